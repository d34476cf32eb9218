//! The configuration: one commented TOML file, overridden by `KAMI_*` environment variables. Unknown keys are refused,
//! and all problems are reported at once.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    time::Duration,
};

use config::{Config as Layers, Environment, File, FileFormat, Value, ValueKind};
use event_relay::Servers;
use vocabulary::MerchantId;

use crate::{kept_at::KeptAt, log::LogUrl};

/// The configuration with every default, as `kami config` prints it.
pub(crate) const DEFAULTS: &str = include_str!("default.toml");

/// What the program runs with.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) kek_file: PathBuf,
    /// `None` for a log in the data directory.
    pub(crate) log_url: Option<LogUrl>,
    pub(crate) vault_at: KeptAt,
    pub(crate) views_at: KeptAt,
    pub(crate) listen: String,
    pub(crate) public_address: Option<String>,
    pub(crate) merchant: MerchantId,
    /// All merchants, the one above among them.
    pub(crate) merchants: Vec<MerchantId>,
    /// None where this process is the only one.
    pub(crate) cluster: Option<ClusterConfig>,
    /// Calls to channels are made by workers, not by nodes.
    pub(crate) effects_by_worker: bool,
    /// None where events are not published.
    pub(crate) nats_url: Option<Servers>,
    pub(crate) nats_credentials_file: Option<PathBuf>,
    pub(crate) log_level: String,
    pub(crate) log_format: String,
    pub(crate) backorder_secs: i64,
    pub(crate) bad_keys_max: u32,
    pub(crate) reveals_per_hour: u32,
    pub(crate) stock_publish_every_ms: i64,
    pub(crate) snapshot_every: u64,
    pub(crate) waiting_max: u64,
    pub(crate) effects_attempts_max: u32,
    pub(crate) effects_backoff_ms: u64,
    pub(crate) effects_backoff_max_ms: u64,
    /// The hour in Shanghai; `None` where models are not fitted by themselves.
    pub(crate) nightly_hour: Option<u8>,
    pub(crate) partners_allow_private: bool,
}

/// What makes a process one of several nodes.
#[derive(Debug, Clone)]
pub(crate) struct ClusterConfig {
    pub(crate) node: String,
    /// Empty where others cannot reach it.
    pub(crate) advertise: String,
    pub(crate) lease: Duration,
    pub(crate) merchants_max: u32,
}

/// Why the configuration is not usable: every problem, a line each.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not usable:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub(crate) struct ConfigErrors(Vec<String>);

impl Config {
    /// Reads defaults, then the file (where one is given, or `kami.toml` exists), then the environment.
    pub(crate) fn load(file: Option<&std::path::Path>) -> Result<Self, ConfigErrors> {
        let one = |error: config::ConfigError| ConfigErrors(vec![error.to_string()]);
        let defaults =
            Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build().map_err(one)?;
        Self::checked(&flat(&defaults)?, &Self::given(file)?)
    }

    /// Every setting by its dotted name, as [`Config::load`] finds it; addresses without users and passwords.
    pub(crate) fn without_secrets(
        file: Option<&std::path::Path>,
    ) -> Result<BTreeMap<String, String>, ConfigErrors> {
        let shown = |(name, value): (String, Value)| (name, without_passwords(&value.to_string()));
        Ok(Self::given(file)?.into_iter().map(shown).collect())
    }

    fn given(file: Option<&std::path::Path>) -> Result<HashMap<String, Value>, ConfigErrors> {
        let one = |error: config::ConfigError| ConfigErrors(vec![error.to_string()]);
        let mut layers = Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        layers = match file {
            Some(path) => layers.add_source(File::from(path).format(FileFormat::Toml)),
            None => layers
                .add_source(File::from(PathBuf::from("kami.toml")).format(FileFormat::Toml).required(false)),
        };
        let environment = Environment::with_prefix("KAMI")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(environment()));
        flat(&layers.add_source(environment).build().map_err(one)?)
    }

    fn checked(known: &HashMap<String, Value>, given: &HashMap<String, Value>) -> Result<Self, ConfigErrors> {
        let mut problems: Vec<String> = given
            .keys()
            .filter(|key| !known.contains_key(*key))
            .map(|key| format!("{key}: there is no such setting"))
            .collect();
        problems.sort();
        let mut read = Reader { given, problems };
        let data = PathBuf::from(read.text("data"));
        let kek_file = match read.text("kek_file") {
            text if text.is_empty() => data.join("kek"),
            text => PathBuf::from(text),
        };
        let log_url = Some(read.text("log_url")).filter(|text| !text.is_empty());
        let is_wrong = log_url.as_ref().is_some_and(|text| LogUrl::parse(text).is_none());
        let log_url = log_url.as_deref().and_then(LogUrl::parse);
        if is_wrong {
            read.problems
                .push("log_url: is not an address such as postgres://kami@db.example/kami".to_owned());
        }
        let (vault_at, views_at) = (read.kept("vault_url"), read.kept("views_url"));
        let merchant = read.text("merchant").parse::<MerchantId>();
        if let Err(error) = &merchant {
            read.problems.push(format!("merchant: {error}"));
        }
        let merchants = read.merchants(merchant.as_ref().ok());
        let nats_url = Some(read.text("nats_url")).filter(|text| !text.is_empty()).and_then(|text| {
            text.parse().map_err(|error| read.problems.push(format!("nats_url: {error}"))).ok()
        });
        let nats_credentials_file = Some(read.text("nats_credentials_file")).filter(|text| !text.is_empty());
        let listen = read.text("listen");
        if listen.parse::<std::net::SocketAddr>().is_err() {
            read.problems.push("listen: is not an address with a port, such as 127.0.0.1:7300".to_owned());
        }
        let public_address = Some(read.text("public_address")).filter(|address| !address.is_empty());
        let is_address = |text: &String| {
            let plain = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['?', '#']);
            plain && (text.starts_with("https://") || text.starts_with("http://"))
        };
        if !public_address.as_ref().is_none_or(is_address) {
            read.problems.push("public_address: is not an address such as https://kami.example".to_owned());
        }
        let log_format = read.text("log.format");
        if !["text", "json"].contains(&log_format.as_str()) {
            read.problems.push("log.format: is neither text nor json".to_owned());
        }
        let log_level = read.text("log.level");
        let number =
            |read: &mut Reader<'_>, key: &str, range: std::ops::RangeInclusive<i64>| read.number(key, range);
        let backorder_secs = number(&mut read, "policy.backorder_secs", 60..=30 * 86_400);
        let bad_keys_max = number(&mut read, "policy.bad_keys_max", 0..=1_000_000);
        let reveals_per_hour = number(&mut read, "policy.reveals_per_hour", 1..=1_000_000);
        let stock_publish_every_ms = number(&mut read, "policy.stock_publish_every_ms", 100..=3_600_000);
        let snapshot_every = number(&mut read, "policy.snapshot_every", 1_000..=1_000_000_000);
        let waiting_max = number(&mut read, "policy.waiting_max", 16..=1_000_000);
        let attempts = number(&mut read, "effects.attempts_max", 1..=100);
        let backoff = number(&mut read, "effects.backoff_ms", 100..=3_600_000);
        let backoff_max = number(&mut read, "effects.backoff_max_ms", 100..=86_400_000);
        let cluster = read.cluster(
            log_url.as_ref().is_some_and(LogUrl::is_postgres)
                && vault_at != KeptAt::Data
                && nats_url.is_some(),
        );
        let effects = read.text("cluster.effects");
        if !["node", "worker"].contains(&effects.as_str()) {
            read.problems.push("cluster.effects: is neither node nor worker".to_owned());
        }
        if merchants.len() > 1 && cluster.is_none() {
            read.problems.push("merchants: more than one need cluster.node".to_owned());
        }
        let nightly_hour = number(&mut read, "models.nightly_hour", -1..=23);
        let partners_allow_private = read.flag("partners.allow_private");
        match merchant {
            Ok(merchant) if read.problems.is_empty() => Ok(Self {
                data,
                kek_file,
                log_url,
                vault_at,
                views_at,
                listen,
                public_address,
                merchant,
                merchants,
                cluster,
                effects_by_worker: effects == "worker",
                nats_url,
                nats_credentials_file: nats_credentials_file.map(PathBuf::from),
                log_level,
                log_format,
                backorder_secs,
                bad_keys_max: u32::try_from(bad_keys_max).unwrap_or(0),
                reveals_per_hour: u32::try_from(reveals_per_hour).unwrap_or(1),
                stock_publish_every_ms,
                snapshot_every: snapshot_every.unsigned_abs(),
                waiting_max: waiting_max.unsigned_abs(),
                effects_attempts_max: u32::try_from(attempts).unwrap_or(1),
                effects_backoff_ms: backoff.unsigned_abs(),
                effects_backoff_max_ms: backoff_max.unsigned_abs(),
                nightly_hour: u8::try_from(nightly_hour).ok(),
                partners_allow_private,
            }),
            _ => Err(ConfigErrors(read.problems)),
        }
    }

    /// Where the vault is.
    pub(crate) fn vault_place(&self) -> anyhow::Result<vault::VaultPlace> {
        self.vault_at.vault(&self.data, self.log_url.as_ref())
    }

    /// Where read models are carried to; `None` where nowhere.
    pub(crate) fn views_url(&self) -> anyhow::Result<Option<&LogUrl>> {
        self.views_at.url("views_url", self.log_url.as_ref())
    }

    /// The merchant's policy.
    pub(crate) fn policy(&self) -> engine::Policy {
        engine::Policy {
            public_address: self.public_address.clone(),
            backorder_secs: self.backorder_secs,
            bad_keys_max: self.bad_keys_max,
            stock_publish_every_ms: self.stock_publish_every_ms,
            snapshot_every: self.snapshot_every,
            waiting_max: usize::try_from(self.waiting_max).unwrap_or(usize::MAX),
            effects: engine::EffectPolicy {
                attempts_max: self.effects_attempts_max,
                backoff_ms: self.effects_backoff_ms,
                backoff_max_ms: self.effects_backoff_max_ms,
            },
            calls_elsewhere: self.effects_by_worker,
        }
    }
}

/// A text whose addresses have lost what may be a secret: what stands before `@` (to NATS, a user alone is a token), and
/// what stands behind `?`.
fn without_passwords(text: &str) -> String {
    let addresses = text.split(',').map(|address| match address.split_once("//") {
        None => address.to_owned(),
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            let path = path.split('?').next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}//{host}{path}")
        }
    });
    addresses.collect::<Vec<_>>().join(",")
}

/// The variables that are settings. `KAMI_TOKEN` and `KAMI_CONFIG` belong to the command line, `KAMI_TEST_*` and
/// `KAMI_WRITE_*` to tests.
fn environment() -> HashMap<String, String> {
    let mine = |name: &str| {
        name.starts_with("KAMI_")
            && !name.starts_with("KAMI_TEST_")
            && !["KAMI_TOKEN", "KAMI_CONFIG"].contains(&name)
    };
    std::env::vars().filter(|(name, _)| mine(name)).collect()
}

/// Every setting by its dotted name.
fn flat(layers: &Layers) -> Result<HashMap<String, Value>, ConfigErrors> {
    let table = layers.cache.clone().into_table().map_err(|error| ConfigErrors(vec![error.to_string()]))?;
    let mut found = HashMap::new();
    let mut todo: Vec<(String, Value)> = table.into_iter().collect();
    while let Some((name, value)) = todo.pop() {
        match value.kind {
            ValueKind::Table(inner) => {
                todo.extend(inner.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            _ => {
                found.insert(name, value);
            }
        }
    }
    Ok(found)
}

struct Reader<'a> {
    given: &'a HashMap<String, Value>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn kept(&mut self, key: &str) -> KeptAt {
        let found = KeptAt::parse(&self.text(key));
        found.unwrap_or_else(|| {
            let wanted = "is neither \"log\" nor an address such as postgres://kami@db.example/kami";
            self.problems.push(format!("{key}: {wanted}"));
            KeptAt::Data
        })
    }
    fn text(&mut self, key: &str) -> String {
        match self.given.get(key).cloned().map(Value::into_string) {
            Some(Ok(text)) => text,
            _ => {
                self.problems.push(format!("{key}: is not a text"));
                String::new()
            }
        }
    }
    /// The merchants of `merchants`, a list or a text with commas; the one of `merchant` alone where there are none.
    fn merchants(&mut self, own: Option<&MerchantId>) -> Vec<MerchantId> {
        let given = self.given.get("merchants").cloned();
        let names: Vec<String> = match given.map(|value| value.kind) {
            Some(ValueKind::Array(all)) => all.iter().map(ToString::to_string).collect(),
            Some(ValueKind::String(text)) => text.split(',').map(|name| name.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        let mut found = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            match name.parse::<MerchantId>() {
                Ok(merchant) if found.contains(&merchant) => {
                    self.problems.push(format!("merchants: {merchant} stands there twice"));
                }
                Ok(merchant) => found.push(merchant),
                Err(error) => self.problems.push(format!("merchants: {error}")),
            }
        }
        match own {
            Some(own) if found.is_empty() => found.push(own.clone()),
            Some(own) if !found.contains(own) => {
                self.problems.push(format!("merchants: does not hold {own}, which `merchant` names"));
            }
            _ => {}
        }
        found
    }
    fn cluster(&mut self, has_services: bool) -> Option<ClusterConfig> {
        let node = self.text("cluster.node");
        let advertise = self.text("cluster.advertise");
        let lease = self.number("cluster.lease_ms", 1_000..=60_000);
        let merchants_max = self.number("cluster.merchants_max", 1..=100_000);
        if node.is_empty() {
            return None;
        }
        if !has_services {
            self.problems.push(
                "cluster.node: several nodes need log_url and vault_url in PostgreSQL, and nats_url"
                    .to_owned(),
            );
        }
        // The rules of a merchant's name suit: it is one token of a NATS subject.
        if node.parse::<MerchantId>().is_err() {
            self.problems.push("cluster.node: is not of lower-case letters, digits and \"-\"".to_owned());
        }
        if !(advertise.is_empty() || advertise.starts_with("http://") || advertise.starts_with("https://")) {
            self.problems
                .push("cluster.advertise: is not an address such as http://10.0.0.5:7300".to_owned());
        }
        Some(ClusterConfig {
            node,
            advertise: advertise.trim_end_matches('/').to_owned(),
            lease: Duration::from_millis(lease.unsigned_abs()),
            merchants_max: u32::try_from(merchants_max).unwrap_or(1),
        })
    }
    fn flag(&mut self, key: &str) -> bool {
        match self.given.get(key).cloned().map(Value::into_bool) {
            Some(Ok(flag)) => flag,
            _ => {
                self.problems.push(format!("{key}: is neither true nor false"));
                false
            }
        }
    }
    fn number(&mut self, key: &str, range: std::ops::RangeInclusive<i64>) -> i64 {
        match self.given.get(key).cloned().map(Value::into_int) {
            Some(Ok(number)) if range.contains(&number) => number,
            Some(Ok(_)) => {
                self.problems.push(format!("{key}: is not between {} and {}", range.start(), range.end()));
                *range.start()
            }
            _ => {
                self.problems.push(format!("{key}: is not a whole number"));
                *range.start()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_needs_what_nodes_share_and_merchants_that_hold_its_own() {
        let error = load(
            "merchants = [\"a\", \"b\", \"a\"]\n[cluster]\nnode = \"A b\"\nlease_ms = 1\nadvertise = \"x\"\neffects = \"both\"\n",
        );
        let error = error.unwrap_err().to_string();
        for part in [
            "does not hold main",
            "a stands there twice",
            "need log_url and vault_url in PostgreSQL",
            "lower-case letters",
            "cluster.lease_ms",
            "cluster.advertise",
            "cluster.effects",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
        assert!(load("[cluster]\neffects = \"worker\"\n").unwrap().effects_by_worker);
        let error = load("merchants = [\"main\", \"b\"]").unwrap_err().to_string();
        assert!(error.contains("need cluster.node"), "{error}");
        let text = "merchants = \"main, b\"\nlog_url = \"postgres://x/y\"\nvault_url = \"log\"\nnats_url = \"nats://n\"\n[cluster]\nnode = \"a\"\n";
        let config = load(text).unwrap();
        assert_eq!((config.merchants.len(), config.cluster.unwrap().lease.as_secs()), (2, 4));
        assert_eq!(load("").unwrap().merchants, ["main".parse().unwrap()]);
    }

    fn load(text: &str) -> Result<Config, ConfigErrors> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kami.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(Some(&path))
    }

    #[test]
    fn the_defaults_are_a_valid_configuration() {
        let config = load("").unwrap();
        assert_eq!(config.listen, "127.0.0.1:7300");
        assert_eq!(config.kek_file, PathBuf::from("kami-data/kek"));
    }

    #[test]
    fn an_address_is_kept_without_what_may_be_a_secret() {
        for (text, shown) in [
            ("postgres://kami:hunter2@db/kami?password=hunter2&sslmode=require", "postgres://db/kami"),
            ("nats://t0k3n@a:4222,nats://b:4222", "nats://a:4222,nats://b:4222"),
            ("postgres://kami:hun@ter2@db/kami", "postgres://db/kami"),
            ("https://kami.example/in", "https://kami.example/in"),
            ("info,engine=debug", "info,engine=debug"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = "listen = \"nowhere\"\nlog_url = \"mysql://x\"\npublic_address = \"kami\"\nmerchant = \"Not A Slug\"\nnats_url = \"http://bus\"\ncolour = 1\n[policy]\nbackorder_secs = 1\nx = 2\n";
        let error = load(text).unwrap_err().to_string();
        for part in [
            "colour",
            "policy.x",
            "nats_url",
            "listen",
            "log_url",
            "public_address",
            "merchant",
            "policy.backorder_secs",
        ] {
            assert!(error.contains(part), "{part} is missing in: {error}");
        }
    }
}
