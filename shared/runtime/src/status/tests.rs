//! The status pages over a real socket.

use super::*;
use crate::server::Limits;
use crate::server::tests::{get, loopback};

#[tokio::test]
async fn it_answers_for_life_readiness_metrics_and_pages() {
    let health = Health::new();
    let fold = health.component("fold");
    let pages = StatusPages::new(health, Metrics::install("0").unwrap())
        .with_page("fold", || json!({ "revision": 7 }));
    let server = Server::bind("status", loopback(), Limits::default())
        .await
        .unwrap();
    let address = server.local_addr();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(pages.serve(server, shutdown.clone()));

    assert_eq!(get(address, "/livez").await, (200, "ok\n".to_owned()));
    let (status, body) = get(address, "/readyz").await;
    assert_eq!(status, 503);
    assert!(body.contains("starting"), "{body}");
    fold.degraded("held at 7");
    let (status, body) = get(address, "/readyz").await;
    assert_eq!(status, 200);
    assert!(body.contains("held at 7"), "{body}");
    fold.ready();
    assert_eq!(
        get(address, "/readyz").await,
        (200, "{\"status\":\"ready\",\"components\":[]}\n".to_owned())
    );
    assert!(get(address, "/readyz?verbose").await.1.contains("\"fold\""));
    assert!(
        get(address, "/metrics")
            .await
            .1
            .contains("foldgate_build_info")
    );
    assert_eq!(
        get(address, "/status/fold").await,
        (200, "{\"revision\":7}\n".to_owned())
    );
    assert!(get(address, "/status").await.1.contains("/status/fold"));
    assert_eq!(get(address, "/status/nothing").await.0, 404);
    assert_eq!(get(address, "/../etc").await.0, 404);

    shutdown.begin();
    serving.await.unwrap();
}
