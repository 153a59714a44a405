//! A log that is being imported is no log until it is whole.

use foldgate_log::jetstream::{Init, Options, begin_import, end_import, init};
use foldgate_log::{Error, EventLog, JetStream, Position};
use foldgate_proto::{LogId, Revision};
use uuid::Uuid;

use super::support::{Chain, NatsServer};

/// The log to import.
fn origin() -> (LogId, Chain) {
    let id = LogId(Uuid::new_v4());
    let at = Position::genesis(id);
    (id, Chain { at })
}

fn options(server: &NatsServer) -> Options {
    server.options()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_marked_until_its_import_has_ended() {
    let server = NatsServer::start();
    let options = options(&server);
    let (id, start) = origin();
    let mut chain = start;
    let group = chain.group(5);
    let head = chain.at;

    let begun = begin_import(&options, id, head).await.unwrap();
    assert_eq!(begun.stands, Revision::ZERO);
    let log = JetStream::open(options.clone()).await.unwrap();
    assert_eq!(log.log_id().await.unwrap(), id);
    log.append(Revision::ZERO, &group[..3]).await.unwrap();

    // Nobody may write there, and nobody takes it for a whole log.
    assert_eq!(log.unfinished().await.unwrap(), Some(head));
    let error = log.check().await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("not finished")));
    let link = log.audit(&mut |_| {}).await.unwrap().fault().unwrap();
    assert_eq!(link.revision, Revision(4));
    assert!(link.reason.contains("5 records"), "{link}");
    let error = end_import(&options, id, head).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch(_)), "{error:?}");

    // The same import goes on, another one does not.
    let begun = begin_import(&options, id, head).await.unwrap();
    assert_eq!(begun.stands, Revision(3));
    let (other, mut another) = origin();
    another.group(1);
    let error = begin_import(&options, other, another.at).await.unwrap_err();
    let said = matches!(&error, Error::Mismatch(why) if why.contains("another import"));
    assert!(said, "{error:?}");

    log.append(Revision(3), &group[3..]).await.unwrap();
    end_import(&options, id, head).await.unwrap();
    assert_eq!(log.unfinished().await.unwrap(), None);
    log.check().await.unwrap();
    let audit = log.audit(&mut |_| {}).await.unwrap();
    assert_eq!(audit.fault(), None);
    assert_eq!(audit.head, Revision(5));
    let error = begin_import(&options, id, head).await.unwrap_err();
    let said = matches!(&error, Error::Mismatch(why) if why.contains("5 records"));
    assert!(said, "a whole log is not imported into: {error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_empty_log_that_init_made_takes_the_origin_s_id() {
    let server = NatsServer::start();
    let options = options(&server);
    let before = init(&options, &Init::default()).await.unwrap();
    let (id, mut chain) = origin();
    let group = chain.group(2);
    begin_import(&options, id, chain.at).await.unwrap();
    let log = JetStream::open(options.clone()).await.unwrap();
    assert_ne!(before.log_id, id);
    log.append(Revision::ZERO, &group).await.unwrap();
    end_import(&options, id, chain.at).await.unwrap();
    log.check().await.unwrap();
    let stands = init(&options, &Init::default()).await.unwrap();
    assert_eq!((stands.log_id, stands.created), (id, false));
}
