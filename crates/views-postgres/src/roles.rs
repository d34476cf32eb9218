//! The role of analysts.

/// Makes the role where this one may make roles, and lets it read what analysts see. It cannot log in until somebody
/// gives it a password; then its sessions are read-only, and no statement runs for longer than half a minute.
pub(crate) const GRANTS: &str = "
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kami_analyst')
     AND (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) THEN
    BEGIN
      CREATE ROLE kami_analyst NOLOGIN;
      ALTER ROLE kami_analyst SET statement_timeout = '30s';
      ALTER ROLE kami_analyst SET default_transaction_read_only = on;
      ALTER ROLE kami_analyst SET search_path = kami_views;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      -- Another database of this server made it in the same moment.
      NULL;
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'kami_analyst') THEN
    GRANT USAGE ON SCHEMA kami_views TO kami_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA kami_views TO kami_analyst;
  END IF;
END $$";
