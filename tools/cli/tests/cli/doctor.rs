//! `doctor`: what it finds on trees made for it, and that it never fails on this host.

use std::fs;

use serde_json::Value;

use crate::support::{arg, scratch, tapewatch};

/// The check called `name`.
#[track_caller]
fn check<'r>(result: &'r Value, name: &str) -> &'r Value {
    let checks = result["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// A copied tree of these files.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = scratch();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

#[test]
fn this_host_is_examined_without_a_failure_and_without_a_word_on_stderr() {
    let run = tapewatch(&["doctor", "--json"]).ended_with(0);
    assert_eq!(run.stderr, "");
    let result = run.json();
    let checks = result["checks"].as_array().unwrap();
    assert!(checks.len() >= 25, "{}", checks.len());
    for check in checks {
        for key in ["name", "found", "verdict", "effect", "mend"] {
            assert!(check[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {check}");
        }
    }
    let counted: u64 =
        result["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, checks.len() as u64);
    // Linux always tells these of itself.
    assert_ne!(check(&result, "kernel")["verdict"], "unknown");
    assert_ne!(check(&result, "cores")["verdict"], "unknown");
}

#[test]
fn the_table_says_of_each_bad_finding_what_it_does_and_how_to_mend_it() {
    let dir = tree(&[
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ]);
    let run = tapewatch(&["doctor", "--root", arg(dir.path())]).ended_with(0);
    let row = |name: &str| run.stdout.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("cpu quota").contains("bad"), "{}", run.stdout);
    assert!(row("cpu quota").contains("0.50 cores"), "{}", run.stdout);
    assert!(row("transparent huge pages").contains("good"), "{}", run.stdout);
    assert!(row("tsc").contains("unknown"), "{}", run.stdout);
    assert!(run.stdout.contains("\ncpu quota (bad): 0.50 cores"), "{}", run.stdout);
    assert!(run.stdout.contains("mend:   run without a CPU limit"), "{}", run.stdout);
    assert!(run.stdout.ends_with("1 bad, 0 could hurt, 27 unknown, 1 good\n"), "{}", run.stdout);
}

#[test]
fn strict_is_a_no_only_where_a_check_is_bad() {
    let limited = tree(&[("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/cpu.max", "1 1\n")]);
    let run = tapewatch(&["doctor", "--strict", "--json", "--root", arg(limited.path())]);
    let run = run.ended_with(1);
    assert_eq!(check(&run.json(), "cpu quota")["verdict"], "bad");
    run.says(&["error", "not fit: cpu quota", "how to mend it"]);

    let empty = tree(&[]);
    let run = tapewatch(&["doctor", "--strict", "--root", arg(empty.path())]).ended_with(0);
    assert!(run.stdout.contains("0 bad, 0 could hurt"), "{}", run.stdout);
}

#[test]
fn a_directory_that_is_not_there_is_looked_for_on_the_file_system_that_would_hold_it() {
    let dir = tree(&[("proc/self/mountinfo", "1 0 8:1 / / rw - nfs4 host:/x rw\n")]);
    let args = ["doctor", "--json", "--root", arg(dir.path()), "--dir", "/no-such-dir/x"];
    let result = tapewatch(&args).ended_with(0).json();
    let disk = check(&result, "disk");
    assert_eq!(disk["verdict"], "bad");
    assert!(disk["found"].as_str().unwrap().contains("/no-such-dir/x on / (nfs4)"), "{disk}");
}
