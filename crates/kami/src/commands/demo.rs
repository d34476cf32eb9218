//! `kami demo`: builds a world from a seed, checks it, and lets it live.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, bail};
use http_api::{Api, ApiOptions};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use super::serve::{TOKEN_FILE, first_token, told_to_stop};
use crate::{
    cli::{Demo, say},
    demo::{self, Built, Line, LiveClock, Living, MERCHANT, Place, Platforms, Plot, Profile, SPEED, Step},
    node::{Node, NodeOptions},
};

pub(super) async fn run(data: Option<PathBuf>, options: Demo) -> anyhow::Result<ExitCode> {
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
    let built = demo::build(home.path(), plot, |share| bar.set_position((share * 1e3) as u64)).await?;
    bar.finish_and_clear();
    let report = verify::verify_dir(home.path(), |_| {}).await.context("the world cannot be checked")?;
    let mut violations: Vec<Value> = report.violations.iter().map(|v| json!(v)).collect();
    violations.extend(built.differences.iter().map(|what| json!({ "invariant": "truth", "message": what })));
    let summary = json!({
        "profile": options.profile, "seed": options.seed, "orders": built.told.orders, "events": built.told.events,
        "log_hash": built.told.log_hash, "violations": violations, "messages": built.shop.sent,
        "repeats": built.shop.repeated, "forgeries": built.shop.forged, "calls": built.truth.lock().calls,
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
        live(&home, built, options.seed, listener).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened on"))
}

fn print(summary: &Value, violations: &[Value]) {
    let text = |name: &str| summary[name].to_string();
    say(&format!(
        "{} orders, {} events, {} messages ({} repeats, {} forgeries), built and checked in {:.1} s",
        text("orders"),
        text("events"),
        text("messages"),
        text("repeats"),
        text("forgeries"),
        summary["seconds"].as_f64().unwrap_or_default(),
    ));
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

/// Where what need not last is kept: a small world in memory where the system offers that, for a disk makes thirty
/// days of durable steps take as long as its syncs.
fn passing_place(profile: Profile) -> PathBuf {
    let memory = Path::new("/dev/shm");
    if profile == Profile::Small && memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
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
async fn live(home: &Home, built: Built, seed: u64, listener: TcpListener) -> anyhow::Result<()> {
    let data = home.path();
    let clock = Arc::new(LiveClock::from(built.end));
    let mut node = Node::start(NodeOptions {
        data,
        kek_file: &data.join("kek"),
        merchant: MERCHANT.parse().context("the merchant")?,
        policy: engine::Policy::default(),
        vault_seed: None,
        clock: clock.clone(),
        // Another row than the history's: the same ids again would be the ids of other messages.
        ids: Arc::new(engine::SeededIds::new(!seed)),
        http: Arc::new(Platforms::open(built.truth.clone())),
    })
    .await?;
    first_token(&node, data).await?;
    let address = listener.local_addr().context("the address")?;
    let api = Api::new(node.engine.clone(), node.projections.clone(), ApiOptions::default());
    let (stop, stopping) = oneshot::channel::<()>();
    let router = http_api::router(api).merge(console::router());
    let serving = tokio::spawn(http_api::serve(listener, router, async {
        // A dropped sender stops as well.
        let _dropped = stopping.await;
    }));
    invite(data, &address.to_string(), &built);
    let Built { mut shop, end, .. } = built;
    shop.move_to(Arc::new(Living { engine: node.engine.clone(), clock }), Line::to(address)?);
    shop.plan_at(end, Step::Bustle);
    let ended = tokio::select! {
        ended = shop.run_until(end.plus_secs(3_650 * demo::DAY), |_| {}) => ended,
        failure = &mut node.failed => match failure {
            Ok(error) => Err(anyhow::Error::new(error).context("stopping: the log cannot be written")),
            Err(_) => Ok(()),
        },
        () = told_to_stop() => Ok(()),
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
    let token = data.join(TOKEN_FILE);
    say(&format!("Kami listens on http://{address}; the shop lives on, {SPEED} times as fast as the clock."));
    say(&format!(
        "Watch it at http://{address}/console: sign in with the admin token, in {}.",
        token.display()
    ));
    say("\nOrders to look at:");
    for (what, place, number) in built.told.examples() {
        say(&format!("  {what}"));
        say(&format!("    kami --data {} replay order {place}:{number}", data.display()));
    }
    let (place, number) =
        built.told.examples().into_iter().next().map_or((Place::Own, String::new()), |(_, p, n)| (p, n));
    let channel = place.account().split('/').next().unwrap_or_default();
    let curl = format!("curl -s -H \"Authorization: Bearer $(cat {})\" http://{address}", token.display());
    say("\nQuestions to ask:");
    say(&format!("  {curl}/v1/orders/{channel}:{number}"));
    say(&format!("  {curl}/v1/skus/steam-100/quotas"));
    say(&format!("  {curl}/v1/views"));
    say(&format!(
        "  curl -sN -H \"Authorization: Bearer $(cat {})\" http://{address}/v1/stream",
        token.display()
    ));
    say(&format!("  kami --data {} events tail --after {}", data.display(), built.told.events));
    say("\nCtrl-C ends it.");
}
