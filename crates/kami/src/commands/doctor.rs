//! `kami doctor`: what could lose data or keep Kami from starting, before it does.

use std::{fs, os::unix::fs::PermissionsExt, process::ExitCode};

use serde_json::json;

use super::open;
use crate::{
    cli::{Json, say},
    config::Config,
    kept_at::KeptAt,
    log::Log,
};

struct Finding {
    what: &'static str,
    ok: bool,
    detail: String,
}

pub(super) async fn run(config: &Config, options: Json) -> anyhow::Result<ExitCode> {
    let findings = vec![
        data_writable(config),
        kek(config),
        port(config),
        clock(),
        log(config).await,
        vault(config).await,
    ];
    let ok = findings.iter().all(|finding| finding.ok);
    if options.json {
        let findings: Vec<_> =
            findings.iter().map(|f| json!({"what": f.what, "ok": f.ok, "detail": f.detail})).collect();
        say(&json!({"ok": ok, "findings": findings}).to_string());
    } else {
        for finding in &findings {
            say(&format!(
                "{} {}: {}",
                if finding.ok { "ok  " } else { "FAIL" },
                finding.what,
                finding.detail
            ));
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn data_writable(config: &Config) -> Finding {
    let what = "data directory";
    let path = config.data.join(".doctor");
    let tried = fs::create_dir_all(&config.data)
        .and_then(|()| fs::write(&path, b"x"))
        .and_then(|()| fs::remove_file(&path));
    match tried {
        Ok(()) => Finding { what, ok: true, detail: format!("{} can be written", config.data.display()) },
        Err(error) => Finding { what, ok: false, detail: format!("{}: {error}", config.data.display()) },
    }
}

fn kek(config: &Config) -> Finding {
    let what = "key-encryption key";
    let path = &config.kek_file;
    let has_vault = config.vault_at != KeptAt::Data || config.data.join("vault.db").exists();
    match fs::metadata(path) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Finding {
            what,
            ok: false,
            detail: format!("{} can be read by others; chmod 400 it", path.display()),
        },
        Ok(_) => Finding { what, ok: true, detail: format!("{} is there and private", path.display()) },
        Err(_) if has_vault => Finding {
            what,
            ok: false,
            detail: format!("{} is missing, the vault cannot be opened", path.display()),
        },
        Err(_) => Finding { what, ok: true, detail: "is made at the first start".to_owned() },
    }
}

fn port(config: &Config) -> Finding {
    let what = "address";
    match std::net::TcpListener::bind(&config.listen) {
        Ok(_) => Finding { what, ok: true, detail: format!("{} is free", config.listen) },
        Err(error) => Finding { what, ok: false, detail: format!("{}: {error}", config.listen) },
    }
}

fn clock() -> Finding {
    let year = chrono::Datelike::year(&chrono::Utc::now());
    let ok = (2026..2100).contains(&year);
    Finding { what: "clock", ok, detail: format!("the year is {year}") }
}

async fn log(config: &Config) -> Finding {
    let what = "log";
    if config.log_url.is_none() && !config.data.join("log.db").exists() {
        return Finding { what, ok: true, detail: "is made at the first start".to_owned() };
    }
    match Log::read(&config.data, config.log_url.as_ref()).await {
        Ok(_) => Finding { what, ok: true, detail: "can be read".to_owned() },
        Err(error) => Finding { what, ok: false, detail: format!("{error:#}") },
    }
}

async fn vault(config: &Config) -> Finding {
    let what = "vault";
    let failed = |error: anyhow::Error| Finding { what, ok: false, detail: format!("{error:#}") };
    let is_new = config.vault_at == KeptAt::Data && !config.data.join("vault.db").exists();
    if is_new || !config.kek_file.exists() {
        return match config.vault_place() {
            Ok(_) => Finding { what, ok: true, detail: "is made at the first start".to_owned() },
            Err(error) => failed(error),
        };
    }
    match open::vault(config).await {
        Ok(vault) => {
            vault.close().await;
            Finding { what, ok: true, detail: "can be opened".to_owned() }
        }
        Err(error) => failed(error),
    }
}
