//! The web console: what a person sees who opens `/console`. Plain pages, style and script modules that lie inside
//! the binary; nothing is built, and nothing is loaded from elsewhere.
//!
//! Beside it lies `/claim`, where buyers look after their orders; it needs no token.
//!
//! The console speaks to the HTTP interface as any other client does, with the token that whoever signs in holds. It
//! only reads. This crate knows none of our others: it hands files out, with headers that let a browser do no more
//! than the pages need.
//!
//! ```
//! let api = axum::Router::new();
//! let all: axum::Router = api.merge(console::router());
//! ```
#![warn(missing_docs)]

use axum::{
    Router,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use ring::digest;

/// Where the console is.
const HOME: &str = "/console";

/// What a page of the console may do: load our own files, ask our own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A file of the console.
#[derive(Debug, Clone, Copy)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! assets {
    ($( $path:literal = $file:literal, $content_type:expr; )*) => {
        /// Every file, with its address.
        const ASSETS: &[Asset] = &[ $( Asset {
            path: $path,
            content_type: $content_type,
            content: include_bytes!(concat!("../assets/", $file)),
        } ),* ];
    };
}

assets! {
    "/console" = "index.html", HTML;
    "/console/app.css" = "app.css", CSS;
    "/console/icon.png" = "icon.png", "image/png";
    "/console/app.js" = "app.js", SCRIPT;
    "/console/api.js" = "api.js", SCRIPT;
    "/console/dom.js" = "dom.js", SCRIPT;
    "/console/fields.js" = "fields.js", SCRIPT;
    "/console/lists.js" = "lists.js", SCRIPT;
    "/console/live.js" = "live.js", SCRIPT;
    "/console/order.js" = "order.js", SCRIPT;
    "/console/overview.js" = "overview.js", SCRIPT;
    "/console/shop.js" = "shop.js", SCRIPT;
    "/console/stock.js" = "stock.js", SCRIPT;
    "/console/words.js" = "words.js", SCRIPT;
    "/claim" = "claim.html", HTML;
    "/claim/claim.css" = "claim.css", CSS;
    "/claim/claim.js" = "claim.js", SCRIPT;
}

/// The routes of the console: `/console` and its files; `/` and `/console/` lead there. And `/claim` with its own.
///
/// Merge it beside the API's router, not under its layers: the console sends security headers of its own.
pub fn router() -> Router {
    let home = get(|| async { Redirect::temporary(HOME) });
    let router = Router::new().route("/", home.clone()).route("/console/", home);
    ASSETS.iter().fold(router, |router, asset| {
        // The same for as long as the process runs, so it is worked out once.
        let tag =
            format!("\"{}\"", hex::encode(&digest::digest(&digest::SHA256, asset.content).as_ref()[..16]));
        router.route(asset.path, get(move |headers: HeaderMap| async move { served(*asset, &tag, &headers) }))
    })
}

/// A file, or word that the browser has it already.
fn served(asset: Asset, tag: &str, asked: &HeaderMap) -> Response {
    let headers: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::ETAG, tag),
        // A browser may keep it, but asks every time: a new binary must not meet an old page.
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // A proxy that compresses marks the tag as weak.
    let is_known = |tags: &str| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    if known.into_iter().any(is_known) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, asset.content).into_response()
}

#[cfg(test)]
mod tests;
