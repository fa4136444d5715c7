//! Copies of the folder, taken file by file while the store works.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use model::id::JobId;
use store::{Jobs, Plans};
use store_sqlite::SqliteStore;
use tokio::process::Command;

use crate::file::File;
use crate::{new_jobs, publish, submit};

/// Copies the folder as people do.
async fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().await.expect("cp starts");
    assert!(copied.success());
}

/// When the file was last written to, the log aside.
fn changed(path: &Path) -> SystemTime {
    std::fs::metadata(path).and_then(|file| file.modified()).expect("it is there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_folder_taken_while_jobs_are_stored_holds_all_that_was_answered_before() {
    let file = File::fresh();
    let store = Arc::new(file.open().await);
    let version = publish(&store).await;
    let answered: Arc<Mutex<Vec<JobId>>> = Arc::default();
    let load = tokio::spawn({
        let (store, answered) = (Arc::clone(&store), Arc::clone(&answered));
        async move {
            loop {
                let ids = submit(&store, new_jobs(version, 100)).await;
                answered.lock().expect("nobody panicked").extend(ids);
            }
        }
    });
    let made = changed(&file.path);
    let copies = tempfile::tempdir().expect("a folder");

    for number in 0..4 {
        // The log is folded back between two copies.
        tokio::time::sleep(Duration::from_millis(700)).await;
        let before = answered.lock().expect("nobody panicked").clone();
        let to = copies.path().join(number.to_string());
        copy(file.path.parent().expect("it has one"), &to).await;

        let of_copy = SqliteStore::open(to.join("jobs.db")).await.expect("it opens");
        let found = of_copy.states(&before).await.expect("it is sound");
        assert_eq!(found.len(), before.len(), "copy {number}");
        assert!(!of_copy.depths().await.expect("it is sound").is_empty());
    }
    // So were they taken of a store that folds, which it does again as soon as nobody copies.
    let folded = async {
        while changed(&file.path) <= made {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), folded).await.expect("the log is folded back");
    load.abort();
}
