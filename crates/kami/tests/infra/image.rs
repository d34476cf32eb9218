//! The Dockerfile. No container is built where tests run.

use crate::{program, read, root};

#[test]
fn the_image_builds_from_what_there_is_and_calls_the_program_as_it_can_be_called() {
    let text = read("docker/Dockerfile").replace("\\\n", " ");
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let all = |word: &str| -> Vec<&str> {
        lines.iter().filter(|(first, _)| *first == word).map(|(_, rest)| rest.trim()).collect()
    };
    let stages = all("FROM");
    assert_eq!(stages.len(), 2, "one stage builds, the other runs");
    assert!(stages.iter().all(|stage| stage.contains(':') && !stage.contains(":latest")), "{stages:?}");

    let workspace: toml::Table =
        toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let wanted = workspace["workspace"]["package"]["rust-version"].as_str().unwrap();
    let has = stages[0].trim_start_matches("rust:").split('-').next().unwrap();
    let minor = |version: &str| version.split('.').nth(1).unwrap().parse::<u32>().unwrap();
    assert!(minor(has) >= minor(wanted), "{has} is older than {wanted}");

    let ignored = read("docker/Dockerfile.dockerignore");
    for copied in all("COPY").iter().filter(|copied| !copied.starts_with("--from")) {
        let words: Vec<&str> = copied.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            assert!(root().join(source).exists(), "{source} is not there");
            assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source} is left out");
        }
    }
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let folder = member.as_str().unwrap().trim_end_matches("/*");
        assert!(all("COPY").iter().any(|copied| copied.starts_with(folder)), "{folder} is not copied");
    }

    assert_eq!(all("USER"), ["10001:10001"]);
    let list = |text: &str| -> Vec<String> { serde_json::from_str(text).unwrap() };
    assert_eq!(list(all("ENTRYPOINT")[0]), ["/usr/local/bin/kami"]);
    let command = list(all("CMD")[0]);
    program::check_call(&command.iter().map(String::as_str).collect::<Vec<_>>());
    let variables: Vec<(&str, &str)> = all("ENV")
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(|pair| pair.split_once('=').unwrap())
        .collect();
    variables.iter().for_each(|(name, _)| program::check_variable(name));
    let listen = variables.iter().find(|(name, _)| *name == "KAMI_LISTEN").unwrap().1;
    assert_eq!(all("EXPOSE"), [program::port(listen).to_string()]);
}
