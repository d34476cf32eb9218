-- What the declared views use of SQLite that PostgreSQL has not, or has otherwise. These come first in the search path
-- where views are made. $rows is the schema.

-- An instant of SQLite's: seconds since 1970 or a text, then modifiers.
CREATE FUNCTION $rows.instant(at text, mods text[]) RETURNS timestamp
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  moment timestamp;
  modifier text;
BEGIN
  IF at IS NULL THEN RETURN NULL; END IF;
  IF 'unixepoch' = ANY (mods) THEN
    moment := timestamp '1970-01-01' + at::bigint * interval '1 second';
  ELSE
    moment := make_timestamp(substr(at, 1, 4)::int, substr(at, 6, 2)::int, substr(at, 9, 2)::int,
      coalesce(nullif(substr(at, 12, 2), ''), '0')::int, coalesce(nullif(substr(at, 15, 2), ''), '0')::int,
      coalesce(nullif(substr(at, 18, 2), ''), '0')::int);
  END IF;
  FOREACH modifier IN ARRAY mods LOOP
    IF modifier = 'unixepoch' THEN
      CONTINUE;
    ELSIF modifier LIKE 'weekday _' THEN
      -- On to the next such day, Sunday being 0; none where it is one.
      moment := moment + ((right(modifier, 1)::int - extract(dow FROM moment)::int + 7) % 7) * interval '1 day';
    ELSIF modifier ~ '^[+-][0-9]+ (second|minute|hour|day)s?$' THEN
      moment := moment + modifier::interval;
    ELSE
      RAISE EXCEPTION 'no such modifier of an instant: %', modifier;
    END IF;
  END LOOP;
  RETURN moment;
END $$;

CREATE FUNCTION $rows.spelt(format text, at timestamp) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
  RETURN replace(replace(replace(replace(replace(replace(format,
    '%Y', to_char(at, 'YYYY')), '%m', to_char(at, 'MM')), '%d', to_char(at, 'DD')),
    '%H', to_char(at, 'HH24')), '%M', to_char(at, 'MI')), '%S', to_char(at, 'SS'));
END $$;

CREATE FUNCTION $rows.strftime(format text, at text, VARIADIC mods text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $rows.spelt(format, $rows.instant(at, mods));
CREATE FUNCTION $rows.strftime(format text, at bigint, VARIADIC mods text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $rows.spelt(format, $rows.instant(at::text, mods));
CREATE FUNCTION $rows.date(at text, VARIADIC mods text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $rows.spelt('%Y-%m-%d', $rows.instant(at, mods));
CREATE FUNCTION $rows.date(at bigint, VARIADIC mods text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN $rows.spelt('%Y-%m-%d', $rows.instant(at::text, mods));
CREATE FUNCTION $rows.unixepoch(at text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT RETURN extract(epoch FROM $rows.instant(at, '{}'))::bigint;
CREATE FUNCTION $rows.julianday(at text) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN extract(epoch FROM $rows.instant(at, '{}'))::double precision / 86400 + 2440587.5;

-- The greater and the smaller of two; nothing where one of them is nothing.
CREATE FUNCTION $rows.max(a bigint, b bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE greatest(a, b) END;
CREATE FUNCTION $rows.min(a bigint, b bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE least(a, b) END;
CREATE FUNCTION $rows.iif(condition boolean, a bigint, b bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN condition THEN a ELSE b END;
-- Halves away from zero.
CREATE FUNCTION $rows.round(x double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN trunc(x + 0.5 * sign(x));

-- A sum of whole numbers is a whole number, and conditions can be counted.
CREATE AGGREGATE $rows.sum(bigint) (sfunc = int8pl, stype = bigint, combinefunc = int8pl, parallel = safe);
CREATE FUNCTION $rows.add_flag(sum bigint, flag boolean) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE WHEN flag IS NULL THEN sum ELSE coalesce(sum, 0) + flag::int END;
CREATE AGGREGATE $rows.sum(boolean) (sfunc = $rows.add_flag, stype = bigint);
