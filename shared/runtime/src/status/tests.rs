//! The status pages over a real socket.

use super::*;
use crate::server::Limits;
use crate::server::tests::{get, loopback};

/// The answer to a request that is not sent.
fn answer(pages: &StatusPages, path: &str) -> Response<Full<Bytes>> {
    pages.answer(&Request::get(path).body(()).unwrap())
}

#[test]
fn without_a_configuration_it_says_so_and_nothing_is_sniffed() {
    let pages = StatusPages::new(Health::new(), Metrics::install("0").unwrap());
    let pages = pages.configured_when(|| false);
    assert_eq!(answer(&pages, "/status/ready").status(), 503);
    for path in [
        "/livez",
        "/livez?verbose",
        "/readyz",
        "/readyz?verbose",
        "/status/ready",
        "/x",
    ] {
        let headers = answer(&pages, path).into_parts().0.headers;
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    }
    let verbose = answer(&pages, "/livez?verbose");
    assert_eq!(verbose.headers()[CONTENT_TYPE], TEXT);
}

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
    assert_eq!(
        get(address, "/readyz?verbose").await,
        (
            200,
            "[+]ping ok\n[+]fold ok\nreadyz check passed\n".to_owned()
        )
    );
    assert_eq!(
        get(address, "/livez?verbose").await,
        (
            200,
            "[+]ping ok\n[+]shutdown ok\nlivez check passed\n".to_owned()
        )
    );
    fold.degraded("held\nat 7");
    assert_eq!(
        get(address, "/readyz?verbose").await,
        (
            200,
            "[+]ping ok\n[+]fold degraded: held at 7\nreadyz check passed\n".to_owned()
        )
    );
    assert_eq!(
        get(address, "/status/ready").await,
        (200, "ok\n".to_owned())
    );
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

    fold.draining();
    assert_eq!(get(address, "/livez").await, (503, "draining\n".to_owned()));
    let ends = "[+]ping ok\n[-]shutdown failed: draining\nlivez check failed\n";
    assert_eq!(get(address, "/livez?verbose").await, (503, ends.to_owned()));
    let ends = "[+]ping ok\n[-]fold failed: draining\nreadyz check failed\n";
    assert_eq!(
        get(address, "/readyz?verbose").await,
        (503, ends.to_owned())
    );

    shutdown.begin();
    serving.await.unwrap();
}
