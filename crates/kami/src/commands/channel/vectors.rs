//! `kami channel test`: a file of test vectors against a protocol's adapter.
//!
//! A vector is `{name, scheme, keys, input, expected}`. The protocol's own list says how each scheme is judged; a vector
//! of a scheme that was named and is in no list is read as the request that it writes down, with its `keys` in the
//! settings' fields of the same names.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use channel::{
    Protocol, RawRequest,
    vectors::{Scheme, Vector, put},
};
use serde_json::Value;

use super::{Judged, Verdict};
use crate::{channels::PROTOCOLS, cli::TestChannel};

/// Judges the vectors of a file, or those that lie with the adapters of the workspace we stand in.
pub(super) fn judge(protocol: &Protocol, options: &TestChannel) -> anyhow::Result<Vec<Judged>> {
    let settings = super::settings(protocol, options.settings.as_deref())?;
    let files = match &options.vectors {
        Some(file) => vec![file.clone()],
        None => fixtures()?,
    };
    let mut all = Vec::new();
    for file in &files {
        let Some(vectors) = read(file, options.vectors.is_some())? else { continue };
        for vector in vectors.iter().map(Vector::new) {
            let name = format!("{} {}", vector.scheme(), vector.name()).trim().to_owned();
            // The same vectors may lie with two adapters, and most that lie there are for others.
            let lying = options.vectors.is_none();
            let known = lying && all.iter().any(|known: &Judged| known.name == name);
            let scheme = scheme(protocol, options, vector);
            if known || scheme.is_none() && (lying || !options.scheme.is_empty()) {
                continue;
            }
            let (verdict, why) = match scheme.map(|scheme| scheme.judge(protocol, &settings, &vector)) {
                Some(Ok(why)) => (Verdict::Passed, why),
                Some(Err(why)) => (Verdict::Failed, why),
                None => (Verdict::Skipped, whose(vector.scheme())),
            };
            all.push(Judged { name, verdict, why });
        }
    }
    if all.is_empty() {
        bail!(
            "no vectors of {} were found; give --vectors FILE, and --scheme where theirs has another name",
            protocol.manifest.code
        );
    }
    Ok(all)
}

/// How a vector is judged: by the protocol's list, else as a request, if its scheme was named or begins with the
/// protocol's code. `None` where it is not the protocol's.
fn scheme(protocol: &Protocol, options: &TestChannel, vector: Vector<'_>) -> Option<Scheme> {
    let name = vector.scheme();
    let named = options.scheme.iter().any(|scheme| scheme == name);
    if !options.scheme.is_empty() && !named {
        return None;
    }
    let listed = protocol.schemes.iter().find(|scheme| scheme.name == name).copied();
    let others = PROTOCOLS.iter().flat_map(|other| other.schemes).any(|scheme| scheme.name == name);
    let ours = named || name.starts_with(protocol.manifest.code) && !others;
    listed.or_else(|| ours.then_some(Scheme::request("as written", as_written)))
}

/// Why a vector is left out: whose it is.
fn whose(scheme: &str) -> String {
    let speak = PROTOCOLS.iter().filter(|other| other.schemes.iter().any(|known| known.name == scheme));
    let codes: Vec<&str> = speak.map(|other| other.manifest.code).collect();
    match codes.as_slice() {
        [] => "no protocol of this build speaks it".to_owned(),
        codes => format!("it is for {}", codes.join(", ")),
    }
}

/// The request that a vector writes down, with its keys in the settings' fields of the same names (a key may say
/// behind its name how it is written).
fn as_written(vector: &Vector<'_>, settings: &mut Value) -> Result<Option<RawRequest>, String> {
    for (name, key) in vector.value("/keys").and_then(Value::as_object).into_iter().flatten() {
        let plain = ["_b64", "_base64", "_pem"].iter().find_map(|end| name.strip_suffix(end));
        let mut fields = [Some(name.as_str()), plain].into_iter().flatten();
        let field = fields.find(|field| settings.get(*field).is_some());
        put(settings, field.ok_or_else(|| format!("no setting is called {name}"))?, key);
    }
    let request = vector.written_request()?;
    if vector.accept().is_none() && vector.maybe("/expected/sign").is_none() {
        return Err("it does not say whether it is accepted".to_owned());
    }
    Ok(Some(request))
}

/// The JSON files beside the adapters, if we stand in the workspace.
fn fixtures() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(adapters) = std::fs::read_dir("channel-adapters") else {
        bail!("there is no channel-adapters here; give --vectors FILE");
    };
    for adapter in adapters {
        let Ok(files) = std::fs::read_dir(adapter?.path().join("fixtures")) else { continue };
        for file in files {
            found.push(file?.path());
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    found.sort();
    Ok(found)
}

/// The vectors of a file; `None` where it holds something else and was not named.
fn read(file: &Path, named: bool) -> anyhow::Result<Option<Vec<Value>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Array(vectors)) => Ok(Some(vectors)),
        _ if named => bail!("{} is no list of vectors", file.display()),
        _ => Ok(None),
    }
}
