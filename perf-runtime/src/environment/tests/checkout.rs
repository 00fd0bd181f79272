//! Every layout of a repository compared with what git reports, and repositories that are damaged,
//! hostile or huge.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::checkout::{GitDirectory, Head},
    Repository, environment, git, unset,
};

fn head(directory: &Path) -> Option<Head> {
    GitDirectory::discover(directory, &unset).map(|git| git.head())
}

fn head_at(commit: Option<&str>, branch: Option<&str>) -> Head {
    Head { commit: commit.map(str::to_owned), branch: branch.map(str::to_owned) }
}

/// The head on `branch` that git reports in `directory`.
#[track_caller]
fn reported(directory: &Path, branch: &str) -> Head {
    let commit = git(directory, &["rev-parse", "--verify", "HEAD"]).expect("a commit");
    head_at(Some(&commit), Some(branch))
}

#[test]
fn commit_and_branch_are_read_from_every_layout() {
    /// Changes a repository of one commit, and returns the directory to look in.
    type Arrange = fn(&Repository) -> PathBuf;
    let cases: [(&str, &str, Arrange); 10] = [
        ("a loose reference", "main", |repository| {
            repository.commit("second");
            repository.path()
        }),
        ("a directory below", "main", |repository| {
            let deep = repository.path().join("a/b/c");
            fs::create_dir_all(&deep).unwrap();
            deep
        }),
        ("a packed reference", "main", |repository| {
            repository.git(&["tag", "-a", "-m", "peeled", "v1"]);
            repository.git(&["pack-refs", "--all"]);
            assert!(!repository.path().join(".git/refs/heads/main").exists());
            repository.path()
        }),
        ("a loose reference and an older packed one", "main", |repository| {
            repository.git(&["pack-refs", "--all"]);
            repository.commit("second");
            repository.path()
        }),
        ("a packed branch whose name ends like another", "main", |repository| {
            repository.git(&["branch", "not/refs/heads/main"]);
            repository.commit("second");
            repository.git(&["pack-refs", "--all"]);
            repository.path()
        }),
        ("a symbolic reference to a branch", "alias", |repository| {
            repository.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
            repository.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
            repository.git(&["pack-refs", "--all"]);
            repository.path()
        }),
        ("a worktree", "feature/one", |repository| {
            repository.git(&["worktree", "add", "-q", "-b", "feature/one", "tree"]);
            repository.commit("second");
            assert!(repository.path().join("tree/.git").is_file());
            repository.path().join("tree")
        }),
        ("a worktree with packed references", "feature/one", |repository| {
            repository.git(&["worktree", "add", "-q", "-b", "feature/one", "tree"]);
            repository.commit("second");
            repository.git(&["pack-refs", "--all"]);
            repository.path().join("tree")
        }),
        ("a submodule", "main", |repository| {
            let origin = repository.path();
            repository.git(&["submodule", "--quiet", "add", origin.to_str().unwrap(), "sub"]);
            repository.commit("with a submodule");
            assert!(repository.path().join("sub/.git").is_file());
            assert_eq!(head(&repository.path()), Some(reported(&repository.path(), "main")));
            repository.path().join("sub")
        }),
        ("a shallow clone", "main", |repository| {
            repository.commit("second");
            let address = format!("file://{}", repository.path().display());
            repository.git(&["clone", "-q", "--depth=1", &address, "copy"]);
            repository.path().join("copy")
        }),
    ];
    for (layout, branch, arrange) in cases {
        let Some(repository) = Repository::new() else { return };
        let directory = arrange(&repository);
        assert_eq!(head(&directory), Some(reported(&directory, branch)), "{layout}");
    }
}

#[test]
fn a_detached_head_has_a_commit_and_no_branch() {
    let Some(repository) = Repository::new() else { return };
    let commit = repository.head_commit();
    repository.commit("second");
    repository.git(&["checkout", "-q", &commit]);
    assert_eq!(head(&repository.path()), Some(head_at(Some(&commit), None)));
}

#[test]
fn a_branch_without_commits_has_a_name_and_no_commit() {
    let Some(repository) = Repository::init(&[]) else { return };
    assert_eq!(head(&repository.path()), Some(head_at(None, Some("main"))));
}

#[test]
fn names_that_git_allows_are_read_as_they_are() {
    let Some(repository) = Repository::new() else { return };
    let long = ["x"; 100].join("/x");
    let names = [
        "a/b/c/d",
        "ünïcode/🦀",
        "$(touch${IFS}x);`y`",
        "<script>alert(1)</script>",
        "-dash",
        "%s%n",
        "a'b\"c",
        &long,
    ];
    for name in names {
        repository.git(&["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        let commit = repository.commit(name);
        let expected = Some(head_at(Some(&commit), Some(name.get(..256).unwrap_or(name))));
        assert_eq!(head(&repository.path()), expected, "loose {name}");
        repository.git(&["pack-refs", "--all"]);
        assert_eq!(head(&repository.path()), expected, "packed {name}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_is_resolved_and_shown_with_replacement_characters() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let Some(repository) = Repository::new() else { return };
    let name = OsStr::from_bytes(b"caf\xe9");
    let checkout = [OsStr::new("checkout"), OsStr::new("-q"), OsStr::new("-b"), name];
    if git(&repository.path(), &checkout).is_none() {
        eprintln!("skipped: the file system does not allow such a name");
        return;
    }
    let commit = repository.commit("second");
    assert_eq!(head(&repository.path()), Some(head_at(Some(&commit), Some("caf\u{fffd}"))));
}

#[test]
fn sha_256_names_are_read() {
    let Some(repository) = Repository::init(&["--object-format=sha256"]) else { return };
    let commit = repository.commit("first");
    assert_eq!(commit.len(), 64);
    assert_eq!(head(&repository.path()), Some(reported(&repository.path(), "main")));
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(head(&repository.path()), Some(reported(&repository.path(), "main")));
}

#[test]
fn nothing_is_read_from_a_reftable() {
    let Some(repository) = Repository::init(&["--ref-format=reftable"]) else { return };
    repository.commit("first");
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn git_dir_names_the_repository() {
    let (Some(repository), Some(other)) = (Repository::new(), Repository::new()) else { return };
    repository.commit("second");
    let absolute = repository.path().join(".git");
    let found = |directory: &Path, git_dir: &str| {
        let environment = [("GIT_DIR", git_dir)];
        GitDirectory::discover(directory, &super::environment(&environment)).map(|git| git.head())
    };
    let expected = Some(reported(&repository.path(), "main"));
    assert_eq!(found(&other.path(), absolute.to_str().unwrap()), expected);
    assert_eq!(found(&repository.path(), ".git"), expected);
    assert_eq!(found(&repository.path(), "/nonexistent"), None);
}

#[test]
fn the_search_ends_at_a_ceiling() {
    let Some(repository) = Repository::new() else { return };
    let deep = repository.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let ceiling = repository.path().join("a");
    let variables = [("GIT_CEILING_DIRECTORIES", ceiling.to_str().unwrap())];
    assert_eq!(GitDirectory::discover(&deep, &environment(&variables)), None);
    assert!(GitDirectory::discover(&ceiling, &environment(&variables)).is_some());
}

#[cfg(unix)]
#[test]
fn a_head_that_is_a_symbolic_link_is_a_branch() {
    let Some(repository) = Repository::new() else { return };
    let expected = Some(reported(&repository.path(), "main"));
    let path = repository.path().join(".git/HEAD");
    for (target, expected) in
        [("refs/heads/main", expected), ("refs/heads/unborn", Some(head_at(None, Some("unborn"))))]
    {
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(target, &path).unwrap();
        assert_eq!(head(&repository.path()), expected);
    }
}

#[test]
fn an_empty_git_directory_does_not_hide_the_repository_around_it() {
    let Some(repository) = Repository::new() else { return };
    let inner = repository.path().join("inner");
    fs::create_dir_all(inner.join(".git")).unwrap();
    assert_eq!(head(&inner), Some(reported(&repository.path(), "main")));
}

#[test]
fn a_git_file_that_leads_nowhere_is_not_a_checkout() {
    let Some(repository) = Repository::new() else { return };
    let inner = repository.path().join("inner");
    fs::create_dir_all(&inner).unwrap();
    for text in
        ["", "gitdir:", "gitdir: ../nowhere", "gitdir: /dev/null", "nonsense", "gitdir: .git"]
    {
        fs::write(inner.join(".git"), text).unwrap();
        assert_eq!(head(&inner), None, "{text:?}");
    }
}

#[test]
fn a_damaged_head_is_unknown() {
    let Some(repository) = Repository::new() else { return };
    let path = repository.path().join(".git/HEAD");
    let cycle = repository.path().join(".git/refs/heads/cycle");
    fs::write(&cycle, "ref: refs/heads/cycle\n").unwrap();
    let outside = "ref: ../../../../../../../etc/passwd";
    let inside = "ref: refs/heads/../../HEAD";
    for text in
        ["", "\n", "ref:", "ref: ", "deadbeef", "\0\0\0", outside, inside, "ref: refs/heads/cycle"]
    {
        fs::write(&path, text).unwrap();
        assert_eq!(head(&repository.path()).unwrap().commit, None, "{text:?}");
    }
    fs::write(&path, "x".repeat(50_000_000)).unwrap();
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn a_head_that_is_a_pipe_is_not_waited_for() {
    let Some(repository) = Repository::new() else { return };
    let path = repository.path().join(".git/HEAD");
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: mkfifo is not available");
        return;
    }
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn the_last_of_a_hundred_thousand_packed_branches_is_found() {
    use std::fmt::Write;

    let Some(repository) = Repository::new() else { return };
    let commit = repository.head_commit();
    let mut packed = String::from("# pack-refs with: peeled fully-peeled sorted \n");
    for number in 0..100_000 {
        writeln!(packed, "{:040x} refs/heads/branch-{number:06}", number + 1).unwrap();
    }
    writeln!(packed, "{commit} refs/heads/zzz").unwrap();
    fs::write(repository.path().join(".git/packed-refs"), packed).unwrap();
    fs::write(repository.path().join(".git/HEAD"), "ref: refs/heads/zzz\n").unwrap();
    assert_eq!(head(&repository.path()), Some(head_at(Some(&commit), Some("zzz"))));
}

#[test]
fn invalid_packed_references_are_harmless() {
    let Some(repository) = Repository::new() else { return };
    let commit = repository.head_commit();
    fs::remove_file(repository.path().join(".git/refs/heads/main")).unwrap();
    let mut packed = vec![b'x'; 40_000_000];
    packed.extend_from_slice(b"\n\0\xff\xfe\n\n^\n refs/heads/main\r\n");
    packed.extend_from_slice(format!("{commit} refs/heads/main\r\n").as_bytes());
    let path = repository.path().join(".git/packed-refs");
    fs::write(&path, &packed).unwrap();
    // The first line with this name has no commit: another one would be a guess.
    assert_eq!(head(&repository.path()).unwrap().commit, None);
    fs::write(&path, format!("{}\n{commit} refs/heads/main", "y".repeat(40_000_000))).unwrap();
    assert_eq!(head(&repository.path()), Some(head_at(Some(&commit), Some("main"))));
}

#[test]
fn outside_every_checkout_nothing_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let ceiling = directory.path().parent().unwrap().to_str().unwrap();
    let variables = [("GIT_CEILING_DIRECTORIES", ceiling)];
    assert_eq!(GitDirectory::discover(directory.path(), &environment(&variables)), None);
}
