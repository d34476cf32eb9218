//! Who speaks: whoever knows the secret that Telegram was given. Nothing is signed, the body least of all, so all rests
//! on https and on a secret that cannot be guessed.

use channel::{Proof, RawRequest, Refusal, Step, sign::digest_matches};

use crate::settings::Bot;

const HEADER: &str = "x-telegram-bot-api-secret-token";
/// The largest body that is looked at.
const BODY_BYTES_MAX: usize = 256 * 1024;

pub(crate) fn verify(bot: &Bot, request: &RawRequest) -> Result<Proof, Refusal> {
    if request.body.len() > BODY_BYTES_MAX {
        return Err(Refusal::new(Step::Size, "body_too_large", "body"));
    }
    if request.method != "POST" {
        return Err(Refusal::new(Step::Format, "wrong_method", "method"));
    }
    digest_matches(bot.secret.expose(), request.header(HEADER)?)
        .map_err(|_| Refusal::new(Step::Signature, "bad_secret", HEADER))
}
