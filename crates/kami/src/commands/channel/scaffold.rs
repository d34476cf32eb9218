//! `kami channel new`: an adapter to start from. What is written is the crate `channel-adapters/template`, which is
//! compiled and tested like any other, under another name.

use std::path::Path;

use anyhow::{Context, bail};
use vocabulary::ChannelCode;

use crate::cli::{NewChannel, say};

/// A file of the template: its path, and what stands in it.
type File = (&'static str, &'static str);

macro_rules! template {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../../../channel-adapters/template/", $path)))),*]
    };
}

const TEMPLATE: &[File] = template![
    "Cargo.toml",
    "README.md",
    "fixtures/order-paid.json",
    "fixtures/vectors.json",
    "src/inbound.rs",
    "src/lib.rs",
    "src/outbound.rs",
    "src/settings.rs",
    "src/status.rs",
    "src/vectors.rs",
    "src/verify.rs",
    "tests/conformance.rs",
    "tests/vectors.rs",
];

pub(super) fn run(options: &NewChannel) -> anyhow::Result<()> {
    let code: ChannelCode = options.name.parse().context("the name becomes the channel's code")?;
    let adapters = options.dir.join("channel-adapters");
    if !adapters.is_dir() {
        bail!("{} is no folder; stand in Kami's workspace, or give --dir", adapters.display());
    }
    let folder = adapters.join(code.as_str());
    if folder.exists() {
        bail!("{} is there already", folder.display());
    }
    write(&folder, code.as_str())?;
    let name = code.as_str();
    say(&format!("{} is made. It compiles and passes the suite:\n", folder.display()));
    say(&format!("  cargo test -p channel-{name}\n"));
    say("Two lines make it part of Kami. In crates/kami/Cargo.toml, under [dependencies]:\n");
    say(&format!("  channel-{name} = {{ path = \"../../channel-adapters/{name}\" }}\n"));
    say("In crates/kami/src/channels.rs, in PROTOCOLS:\n");
    say(&format!("  channel_{}::PROTOCOL,\n", name.replace('-', "_")));
    say("docs/adding-a-channel.md goes on from here.");
    Ok(())
}

fn write(folder: &Path, code: &str) -> anyhow::Result<()> {
    for (path, text) in TEMPLATE {
        let file = folder.join(path);
        let parent = file.parent().context("a file stands in a folder")?;
        std::fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
        std::fs::write(&file, renamed(text, code)).with_context(|| format!("{}", file.display()))?;
    }
    Ok(())
}

/// The template's text under another name. The word `template` stands in it as a name only.
fn renamed(text: &str, code: &str) -> String {
    text.replace("channel_template", &format!("channel_{}", code.replace('-', "_"))).replace("template", code)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::PathBuf};

    use super::*;

    fn template() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../channel-adapters/template")
    }

    /// Every file of a folder, by its path inside.
    fn files(root: &Path) -> BTreeMap<String, String> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let inside = path.strip_prefix(root).expect("inside").display().to_string();
                    found.insert(inside, fs::read_to_string(&path).expect("text"));
                }
            }
        }
        found
    }

    #[test]
    fn what_is_written_is_the_checked_crate_file_by_file() {
        let there = files(&template());
        assert_eq!(
            there.keys().map(String::as_str).collect::<Vec<_>>(),
            TEMPLATE.iter().map(|(path, _)| *path).collect::<Vec<_>>()
        );
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path(), "template").expect("written");
        assert_eq!(files(dir.path()), there);
    }

    #[test]
    fn under_another_name_nothing_is_left_of_the_template() {
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path(), "acme-shop").expect("written");
        let written = files(dir.path());
        for (path, text) in &written {
            assert!(!text.contains("template"), "{path}");
        }
        assert!(written["Cargo.toml"].contains("name = \"channel-acme-shop\""));
        assert!(written["src/lib.rs"].contains("code: \"acme-shop\""));
        assert!(written["tests/conformance.rs"].contains("use channel_acme_shop::PROTOCOL;"));
    }

    #[test]
    fn a_folder_that_is_there_and_a_name_that_is_no_code_are_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let new = |name: &str| run(&NewChannel { name: name.to_owned(), dir: dir.path().to_owned() });
        assert!(new("acme").is_err(), "no workspace");
        fs::create_dir(dir.path().join("channel-adapters")).expect("made");
        assert!(new("Acme Shop").is_err() && new("../acme").is_err());
        new("acme").expect("made");
        assert!(new("acme").is_err(), "it is there already");
    }
}
