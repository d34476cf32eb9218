//! `kami demo`: builds a world from a seed, checks it, and lets it live.

use std::{
    fs,
    future::Future,
    io::ErrorKind,
    path::{Path, PathBuf},
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail};
use http_api::{Api, ApiOptions};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};
use vault::VaultPlace;

use super::serve::{TOKEN_FILE, first_token, told_to_stop};
use crate::{
    cli::{Demo, say},
    demo::{self, Built, Line, LiveClock, Living, MERCHANT, Platforms, Plot, Profile, SPEED, Step},
    kept_at::KeptAt,
    log::LogUrl,
    node::{Node, NodeOptions},
};

pub(super) async fn run(
    data: Option<PathBuf>,
    log_url: Option<LogUrl>,
    vault_at: KeptAt,
    options: Demo,
) -> anyhow::Result<ExitCode> {
    // From here on no signal is lost, not even one that comes between building and serving.
    let mut stopped: Stopped = Box::pin(told_to_stop());
    let home = Home::make(data, options.profile)?;
    let listener = match options.exit {
        true => None,
        // The port first: a world that nobody can visit is not worth building.
        false => Some(listen(&options.listen).await?),
    };
    let began = Instant::now();
    let bar = if options.json.json || options.exit { ProgressBar::hidden() } else { ProgressBar::new(1_000) };
    bar.set_style(ProgressStyle::with_template("{msg} {bar:40} {percent}%")?);
    bar.set_message("days pass");
    let plot = Plot { profile: options.profile, seed: options.seed, days: options.days };
    let vault = vault_at.vault(home.path(), log_url.as_ref())?;
    let vault_url = vault_at.url("--vault", log_url.as_ref())?.map(LogUrl::expose);
    let building = demo::build(home.path(), log_url.as_ref(), vault.clone(), plot, |share| {
        bar.set_position((share * 1e3) as u64)
    });
    let built = tokio::select! {
        built = Box::pin(building) => built?,
        // What was begun goes with its directory.
        () = &mut stopped => bail!("told to stop before the world was built"),
    };
    bar.finish_and_clear();
    let report = verify::verify(home.path(), log_url.as_ref().map(LogUrl::expose), vault_url, |_| {})
        .await
        .context("the world cannot be checked")?;
    let mut violations: Vec<Value> = report.violations.iter().map(|v| json!(v)).collect();
    violations.extend(built.differences.iter().map(|what| json!({ "invariant": "truth", "message": what })));
    let summary = json!({
        "profile": options.profile, "seed": options.seed, "orders": built.told.orders,
        "events": built.told.events, "orders_by_account": built.told.accounts,
        "log_hash": built.told.log_hash, "violations": violations, "messages": built.shop.sent,
        "repeats": built.shop.repeated, "forgeries": built.shop.forged, "lost": built.shop.lost, "calls": built.truth.lock().calls,
        "event_types": built.told.counts, "seconds": began.elapsed().as_secs_f64(),
    });
    if options.json.json {
        say(&summary.to_string());
    } else {
        print(&summary, &violations);
    }
    if !report.ok || !violations.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if let Some(listener) = listener {
        live(&home, log_url.as_ref(), vault, built, &options, listener, stopped).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends when the process is told to stop.
type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}

fn print(summary: &Value, violations: &[Value]) {
    let text = |name: &str| summary[name].to_string();
    say(&format!(
        "{} orders, {} events, {} messages ({} repeats, {} forgeries, {} lost), built and checked in {:.1} s",
        text("orders"),
        text("events"),
        text("messages"),
        text("repeats"),
        text("forgeries"),
        text("lost"),
        summary["seconds"].as_f64().unwrap_or_default(),
    ));
    let accounts = summary["orders_by_account"].as_object().into_iter().flatten();
    let accounts: Vec<String> = accounts.map(|(account, orders)| format!("{account} {orders}")).collect();
    say(&format!("orders by account: {}", accounts.join(", ")));
    say(&format!("seed {}, log hash {}", text("seed"), summary["log_hash"].as_str().unwrap_or_default()));
    for violation in violations {
        say(&format!("VIOLATION {violation}"));
    }
}

/// The data directory: the given one, or one that is removed in the end.
struct Home {
    path: PathBuf,
    passing: bool,
}

impl Home {
    fn make(given: Option<PathBuf>, profile: Profile) -> anyhow::Result<Self> {
        if let Some(path) = given {
            match fs::read_dir(&path).map(|mut entries| entries.next().is_none()) {
                Ok(true) => {}
                Ok(false) => {
                    bail!("{} is not empty; a demo only begins in an empty directory", path.display())
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::create_dir_all(&path)
                        .with_context(|| format!("{} cannot be made", path.display()))?;
                }
                Err(error) => {
                    return Err(error).with_context(|| format!("{} cannot be read", path.display()));
                }
            }
            return Ok(Self { path, passing: false });
        }
        let name = format!("kami-demo-{}", uuid::Uuid::now_v7().simple());
        let path = passing_place(profile).join(name);
        fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path, passing: true })
    }
    fn path(&self) -> &Path {
        &self.path
    }
}

/// Where what need not last is kept: in memory where the system offers enough of it, for a disk makes thirty
/// days of durable steps take as long as its syncs.
fn passing_place(profile: Profile) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    if profile != Profile::Full && holds_a_world(&mounts) { memory.to_owned() } else { std::env::temp_dir() }
}

/// Whether memory is mounted with at least a gigabyte of room; without a stated size it is half of the
/// machine's.
fn holds_a_world(mounts: &str) -> bool {
    let mut mounted = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let Some(fields) = mounted.find(|fields| fields.get(1) == Some(&"/dev/shm")) else { return false };
    let mut options = fields.get(3).copied().unwrap_or_default().split(',');
    let size = options.find_map(|option| option.strip_prefix("size="));
    let kilobytes = size.map(|size| size.trim_end_matches('k').parse::<u64>());
    kilobytes.is_none_or(|size| size.is_ok_and(|size| size >= 1024 * 1024))
}

impl Drop for Home {
    fn drop(&mut self) {
        if self.passing
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, "{} could not be removed", self.path.display());
        }
    }
}

/// Serves the world, and lets it go on until it is told to stop.
async fn live(
    home: &Home,
    log_url: Option<&LogUrl>,
    vault: VaultPlace,
    built: Built,
    options: &Demo,
    listener: TcpListener,
    stopped: Stopped,
) -> anyhow::Result<()> {
    let data = home.path();
    let clock = Arc::new(LiveClock::from(built.end));
    let time = clock.clone();
    let platforms =
        Platforms::open(built.truth.clone(), Arc::new(move || engine::Clock::now(&*time))).await?;
    let mut node = Node::start(NodeOptions {
        data,
        log_url,
        vault,
        kek_file: &data.join("kek"),
        merchant: MERCHANT.parse().context("the merchant")?,
        policy: engine::Policy::default(),
        vault_seed: None,
        clock: clock.clone(),
        // Another row than the history's: the same ids again would be the ids of other messages.
        ids: Arc::new(engine::SeededIds::new(!options.seed)),
        http: Arc::new(platforms),
    })
    .await?;
    first_token(&node.vault, data).await?;
    let address = listener.local_addr().context("the address")?;
    let api = Api::new(
        node.engine.clone(),
        node.projections.clone(),
        ApiOptions { imported: Some(data.join(super::IMPORTED_DIR)), ..ApiOptions::default() },
    );
    let (stop, stopping) = oneshot::channel::<()>();
    let router = http_api::router(api).merge(console::router());
    let serving = tokio::spawn(http_api::serve(listener, router, async {
        // A dropped sender stops as well.
        let _dropped = stopping.await;
    }));
    let address_text = address.to_string();
    if options.json.json {
        say(&json!({ "address": address_text, "token_file": data.join(TOKEN_FILE) }).to_string());
    } else {
        invite(data, &address_text, &built);
    }
    let Built { mut shop, end, .. } = built;
    shop.move_to(Arc::new(Living { engine: node.engine.clone(), clock }), Line::to(address)?);
    shop.plan_at(end, Step::Bustle);
    let ended = tokio::select! {
        ended = shop.run_until(end.plus_secs(3_650 * demo::DAY), |_| {}) => ended,
        failure = &mut node.failed => match failure {
            Ok(error) => Err(anyhow::Error::new(error).context("stopping: the log cannot be written")),
            Err(_) => Ok(()),
        },
        () = stopped => Ok(()),
    };
    // The server may be gone already.
    let _gone = stop.send(());
    serving.await.context("the server")?.context("the server")?;
    drop(shop);
    node.stop().await?;
    ended
}

/// Says where the world is, and what there is to see.
fn invite(data: &Path, address: &str, built: &Built) {
    let (token, data) = (data.join(TOKEN_FILE), data.display());
    let token = token.display();
    say(&format!("Kami listens on http://{address}; the shop lives on, {SPEED} times as fast as the clock."));
    say(&format!("Watch it at http://{address}/console; the admin token to sign in with is in {token}."));
    let ask = format!("curl -s -H \"Authorization: Bearer $(cat {token})\" http://{address}");
    say("\nOrders to look at:");
    for (what, place, number) in built.told.examples() {
        let channel = place.account().split('/').next().unwrap_or_default();
        say(&format!("  {what}"));
        say(&format!("    kami --data {data} replay order {channel}:{number}"));
        say(&format!("    {ask}/v1/orders/{channel}:{number}"));
    }
    say("\nQuestions to ask:");
    say(&format!("  {ask}/v1/skus/steam-100/quotas"));
    say(&format!("  {ask}/v1/views"));
    say(&format!("  {ask}/v1/stream -N"));
    say(&format!("  kami --data {data} events tail --after {}", built.told.events));
    say("\nCtrl-C ends it.");
}

#[cfg(test)]
mod tests {
    use super::holds_a_world;

    #[test]
    fn a_world_is_kept_in_memory_only_where_there_is_enough() {
        assert!(holds_a_world("proc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw,nosuid 0 0\n"));
        assert!(holds_a_world("shm /dev/shm tmpfs rw,size=2097152k 0 0\n"));
        assert!(!holds_a_world("shm /dev/shm tmpfs rw,nosuid,size=65536k,inode64 0 0\n"));
        assert!(!holds_a_world("tmpfs /run tmpfs rw 0 0\n"));
        assert!(!holds_a_world(""));
    }
}
