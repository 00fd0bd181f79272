//! Every layout of a repository, against what git itself says of it.

use std::{fs, path::Path};

use super::{
    super::checkout::{GitDirectory, Head},
    repository::{Repository, git, nothing_set, set},
};

/// What is checked out around `directory`.
pub(super) fn head(directory: &Path) -> Option<Head> {
    GitDirectory::discover(directory, &nothing_set).map(|git| git.head())
}

pub(super) fn on(commit: &str, branch: &str) -> Head {
    Head { commit: Some(commit.to_owned()), branch: Some(branch.to_owned()) }
}

fn detached(commit: &str) -> Head {
    Head { commit: Some(commit.to_owned()), branch: None }
}

#[test]
fn a_branch_is_read_from_a_loose_reference() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.commit("second");
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}

#[test]
fn the_repository_is_found_from_any_depth() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let deep = repository.path().join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    assert_eq!(head(&deep), Some(on(&repository.git(&["rev-parse", "HEAD"]), "main")));
}

#[test]
fn a_packed_branch_is_read() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["tag", "-a", "-m", "peeled", "v1"]);
    repository.git(&["pack-refs", "--all"]);
    assert!(!repository.path().join(".git/refs/heads/main").exists());
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}

#[test]
fn a_loose_reference_outdoes_a_packed_one() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["pack-refs", "--all"]);
    let commit = repository.commit("second");
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}

#[test]
fn a_branch_whose_name_ends_like_another_is_not_taken_for_it() {
    let Some(repository) = Repository::new() else {
        return;
    };
    repository.git(&["branch", "not/refs/heads/main"]);
    let commit = repository.commit("second");
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}

#[test]
fn a_detached_head_has_a_commit_and_no_branch() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.commit("second");
    repository.git(&["checkout", "-q", &commit]);
    assert_eq!(head(&repository.path()), Some(detached(&commit)));
}

#[test]
fn an_unborn_branch_has_a_name_and_no_commit() {
    let Some(repository) = Repository::init(&[]) else {
        return;
    };
    let unborn = Head { commit: None, branch: Some("main".to_owned()) };
    assert_eq!(head(&repository.path()), Some(unborn));
}

#[test]
fn names_that_git_allows_are_read_as_they_are() {
    let Some(repository) = Repository::new() else {
        return;
    };
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
        let expected = name.get(..256).unwrap_or(name);
        assert_eq!(head(&repository.path()), Some(on(&commit, expected)), "loose {name}");
        repository.git(&["pack-refs", "--all"]);
        assert_eq!(head(&repository.path()), Some(on(&commit, expected)), "packed {name}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_unicode_is_resolved_and_shown_as_far_as_it_can_be() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let Some(repository) = Repository::new() else {
        return;
    };
    let name = OsStr::from_bytes(b"caf\xe9");
    if repository
        .try_git(&[OsStr::new("checkout"), OsStr::new("-q"), OsStr::new("-b"), name])
        .is_none()
    {
        eprintln!("skipped: the file system takes no such name");
        return;
    }
    let commit = repository.commit("second");
    assert_eq!(head(&repository.path()), Some(on(&commit, "caf\u{fffd}")));
}

#[test]
fn a_worktree_has_a_head_of_its_own_and_the_branches_of_all() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let place = tempfile::tempdir().unwrap();
    let tree = place.path().canonicalize().unwrap().join("tree");
    repository.git(&["worktree", "add", "-q", "-b", "feature/one", tree.to_str().unwrap()]);
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.commit("second");
    assert!(tree.join(".git").is_file());
    assert_eq!(head(&tree), Some(on(&commit, "feature/one")));
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(head(&tree), Some(on(&commit, "feature/one")));
}

#[test]
fn a_submodule_is_a_checkout_of_its_own() {
    let (Some(inner), Some(outer)) = (Repository::new(), Repository::new()) else {
        return;
    };
    let commit = inner.git(&["rev-parse", "HEAD"]);
    outer.git(&["submodule", "--quiet", "add", inner.path().to_str().unwrap(), "sub"]);
    let outer_commit = outer.commit("with a submodule");
    assert!(outer.path().join("sub/.git").is_file());
    assert_eq!(head(&outer.path().join("sub")), Some(on(&commit, "main")));
    assert_eq!(head(&outer.path()), Some(on(&outer_commit, "main")));
}

#[test]
fn a_shallow_clone_is_a_checkout() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.commit("second");
    let place = tempfile::tempdir().unwrap();
    let address = format!("file://{}", repository.path().display());
    git(place.path(), &["clone", "-q", "--depth=1", &address, "copy"]).unwrap();
    assert_eq!(head(&place.path().join("copy")), Some(on(&commit, "main")));
}

#[test]
fn names_of_sha_256_are_read() {
    let Some(repository) = Repository::init(&["--object-format=sha256"]) else {
        return;
    };
    let commit = repository.commit("first");
    assert_eq!(commit.len(), 64);
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
}

#[test]
fn a_reftable_is_left_to_git() {
    let Some(repository) = Repository::init(&["--ref-format=reftable"]) else {
        return;
    };
    repository.commit("first");
    assert_eq!(head(&repository.path()), Some(Head::default()));
}

#[test]
fn git_dir_names_the_repository() {
    let (Some(repository), Some(other)) = (Repository::new(), Repository::new()) else {
        return;
    };
    let commit = repository.commit("second");
    let absolute = repository.path().join(".git");
    let environment = [("GIT_DIR", absolute.to_str().unwrap())];
    let found = GitDirectory::discover(&other.path(), &set(&environment)).unwrap();
    assert_eq!(Some(found.head()), Some(on(&commit, "main")));

    let environment = [("GIT_DIR", ".git")];
    let found = GitDirectory::discover(&repository.path(), &set(&environment)).unwrap();
    assert_eq!(Some(found.head()), Some(on(&commit, "main")));

    let environment = [("GIT_DIR", "/nonexistent")];
    assert_eq!(GitDirectory::discover(&repository.path(), &set(&environment)), None);
}

#[test]
fn the_search_ends_at_a_ceiling() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let deep = repository.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let ceiling = repository.path().join("a");
    let environment = [("GIT_CEILING_DIRECTORIES", ceiling.to_str().unwrap())];
    assert_eq!(GitDirectory::discover(&deep, &set(&environment)), None);
    assert!(GitDirectory::discover(&ceiling, &set(&environment)).is_some());
}

#[test]
fn outside_of_every_checkout_nothing_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let ceiling = directory.path().parent().unwrap().to_str().unwrap();
    let environment = [("GIT_CEILING_DIRECTORIES", ceiling)];
    assert_eq!(GitDirectory::discover(directory.path(), &set(&environment)), None);
}

#[cfg(unix)]
#[cfg(unix)]
#[test]
fn a_head_that_is_a_symbolic_link_is_a_branch() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let path = repository.path().join(".git/HEAD");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("refs/heads/main", &path).unwrap();
    assert_eq!(head(&repository.path()), Some(on(&commit, "main")));
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("refs/heads/unborn", &path).unwrap();
    let unborn = Head { commit: None, branch: Some("unborn".to_owned()) };
    assert_eq!(head(&repository.path()), Some(unborn));
}

#[test]
fn a_symbolic_reference_is_followed() {
    let Some(repository) = Repository::new() else {
        return;
    };
    let commit = repository.git(&["rev-parse", "HEAD"]);
    repository.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/alias"]);
    repository.git(&["pack-refs", "--all"]);
    assert_eq!(head(&repository.path()), Some(on(&commit, "alias")));
}
