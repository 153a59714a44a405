use bytes::Bytes;

use super::queue::{CAPACITY, Queue};

async fn drain(queue: &Queue, count: usize) -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    for _ in 0..count {
        found.push(queue.pop().await);
    }
    found
}

#[tokio::test]
async fn a_full_queue_drops_the_oldest() {
    let queue = Queue::new();
    for number in 0..CAPACITY + 3 {
        queue.push(number.to_string(), Bytes::new());
    }
    let found = drain(&queue, CAPACITY).await;
    assert_eq!(found[0].0, "3");
    assert_eq!(found[CAPACITY - 1].0, (CAPACITY + 2).to_string());
}

#[tokio::test]
async fn a_full_queue_drops_what_is_outdated_first() {
    let queue = Queue::new();
    for number in 0..CAPACITY {
        queue.push(number.to_string(), Bytes::from_static(b"old"));
    }
    queue.push("7".to_owned(), Bytes::from_static(b"new"));
    let found = drain(&queue, CAPACITY).await;
    assert_eq!(found[0].0, "0");
    let sevens: Vec<_> = found.iter().filter(|(subject, _)| subject == "7").collect();
    assert_eq!(sevens.len(), 1);
    assert_eq!(sevens[0].1, "new");
}
