//! `config print` and `config check`, as people and programs use them.

use serde_json::json;

use crate::support::{arg, file, scratch, tapewatch};

#[test]
fn what_print_prints_is_a_file_that_check_accepts() {
    let dir = scratch();
    for extra in [&[][..], &["--bare"], &["--set", "journal.sync=batch"]] {
        let print = [&["config", "print"][..], extra].concat();
        let printed = tapewatch(&print).ended_with(0);
        assert_eq!(printed.stderr, "");
        let path = file(&dir, "printed.toml", printed.stdout.as_bytes());
        let run = tapewatch(&["config", "check", arg(&path)]).ended_with(0);
        assert_eq!(run.stdout, format!("{}: good\n", path.display()));
        assert_eq!(run.stderr, "");
        // Printed from that file, it is the same again.
        let again = [&["config", "print", "-c", arg(&path)][..], extra].concat();
        assert_eq!(tapewatch(&again).ended_with(0).stdout, printed.stdout);
    }
}

#[test]
fn every_fault_is_told_with_file_and_line_on_stdout_and_their_number_on_stderr() {
    let dir = scratch();
    let text = "[engine]\nshards = 0\n\n[journal]\nsink = \"batch\"\nplace = \"tape\"\n";
    let path = file(&dir, "bad.toml", text.as_bytes());
    let run = tapewatch(&["config", "check", arg(&path)]).ended_with(2);
    let name = path.display();
    assert_eq!(
        run.stdout,
        format!(
            "{name}:2: engine.shards must be from 1 to 64, is 0\n\
             {name}:5: journal.sink is no key; did you mean sync?\n\
             {name}:6: journal.place must be one of \"memory\", \"disk\", is the text \"tape\"\n"
        )
    );
    run.says(&["error", "bad.toml has 3 faults", "config print"]);

    let run = tapewatch(&["config", "check", arg(&path), "--json"]).ended_with(2);
    let result = run.json();
    assert_eq!(result["ok"], false);
    assert_eq!(result["faults"].as_array().unwrap().len(), 3);
    assert_eq!(
        result["faults"][1],
        json!({"line": 5, "column": 1, "set": null, "key": "journal.sink",
               "what": "is no key; did you mean sync?"})
    );
}

#[test]
fn a_good_file_is_good_for_programs_too() {
    let dir = scratch();
    let path = file(&dir, "good.toml", b"[engine]\ntopology = \"pipelined\"\n");
    let args = ["config", "check", arg(&path), "--json", "--set", "engine.shards=7"];
    let result = tapewatch(&args).ended_with(0).json();
    assert_eq!((&result["ok"], &result["faults"]), (&json!(true), &json!([])));
    let args = ["config", "print", "-c", arg(&path), "--json", "--set", "engine.shards=7"];
    let result = tapewatch(&args).ended_with(0).json();
    assert_eq!(result["engine"], json!({"topology": "pipelined", "shards": 7}));
    assert_eq!(result["threads"]["ingest_core"], json!(null));
}

#[test]
fn print_refuses_a_faulty_file_in_one_line_with_the_first_fault() {
    let dir = scratch();
    let path = file(&dir, "bad.toml", b"[ring]\nevents = 3\nsignals = 5\n");
    let run = tapewatch(&["config", "print", "-c", arg(&path)]).ended_with(2);
    assert_eq!(run.stdout, "");
    run.says(&["bad.toml:2: ring.events must be a power of two", "(and 1 more)", "config check"]);
    let run = tapewatch(&["config", "print", "--set", "ring.events=3"]).ended_with(2);
    run.says(&["--set ring.events=3: ring.events must be", "is 3", "config print"]);
}

#[test]
fn what_is_no_text_file_is_told_in_one_line() {
    let dir = scratch();
    let binary = file(&dir, "binary.toml", b"[feed]\nname = \"\xff\"\n");
    tapewatch(&["config", "check", arg(&binary)]).ended_with(2).says(&["line 2 is not UTF-8"]);
    let large = file(&dir, "large.toml", &vec![b'#'; 270_000]);
    tapewatch(&["config", "check", arg(&large)]).ended_with(2).says(&["no configuration"]);
    let missing = dir.path().join("missing.toml");
    tapewatch(&["config", "check", arg(&missing)]).ended_with(2).says(&["missing.toml"]);
    tapewatch(&["config", "check", arg(dir.path())]).ended_with(2).says(&["cannot read"]);
    // A device without an end is not read to its end.
    tapewatch(&["config", "check", "/dev/zero"]).ended_with(2).says(&["no configuration"]);
}
