//! The proxy: the list of phases that a request goes through, one file each.
//!
//! | phase | file | what it decides |
//! |---|---|---|
//! | admit | `admit` | who calls, and whether they may |
//! | route | `route` | which model; which Levels, or which targets in which order |
//! | attempt | `attempt` | which key; whether its answer is good, and what is tried next |
//! | relay | `relay` | how the answer reaches the client |
//! | account | `account` | what is counted and written down |

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use foldgate_domain::Table;
use foldgate_log::usage::Spool;
use foldgate_log::{Replica, Reports};
use foldgate_runtime::telemetry::{continue_trace, span_wanted};
use foldgate_runtime::{AccessLog, Peer, Shutdown};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body as _;
use tokio::sync::Semaphore;
use tower_http::cors::CorsLayer;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::account::metrics::Metrics;
use crate::account::{Account, Books, End};
use crate::admit::Admitted;
use crate::affinity::Affinity;
use crate::body::{Inbound, drain};
use crate::browsers;
use crate::dialect::Caller;
use crate::endpoint::{Target, caller, find};
use crate::error::Problem;
use crate::jobs::Jobs;
use crate::limits::{Meters, show};
use crate::models;
use crate::openapi;
use crate::pools::Pools;
use crate::purses::Purses;
use crate::relay::Body;
use crate::request_id::{self, RequestIds};
use crate::settings::Settings;
use crate::transport::{Listeners, TlsError, Transport};
use runs_on::{AllRunsOn, Mark, RunsOn, may_begin_job};

mod bound;
mod call;
mod entry;
mod jobs;
mod links;
mod lists;
mod paid;
mod runs_on;

const X_FOLDGATE_REVISION: HeaderName = HeaderName::from_static("x-foldgate-revision");

/// How many requests with a key that nobody has may wait at once: those of an
/// owner's first minute, not those of everybody who can write a header.
const MAX_WAITING_STRANGERS: usize = 64;

/// A request that was let in, before its body has come.
struct Arrival<'r> {
    parts: &'r Parts,
    peer: IpAddr,
    admitted: Admitted,
}

/// What the proxy hangs on.
pub struct Deps {
    /// The fold; its observers must hold `pools`.
    pub replica: Replica,
    /// The live pools.
    pub pools: Arc<Pools>,
    /// What nodes tell each other.
    pub reports: Reports,
    /// The system's own listeners.
    pub listeners: Listeners,
    /// Where it is written down what requests use; without it nothing is billed.
    pub usage: Option<Spool>,
    /// One line per request.
    pub access: AccessLog,
    /// This run of the process; names it in the hop header.
    pub boot: Uuid,
}

/// The proxy. Made after the process's metrics recorder is installed.
pub struct Proxy {
    pub(crate) deps: Deps,
    pub(crate) settings: Settings,
    transport: Transport,
    pub(crate) affinity: Affinity,
    pub(crate) jobs: Arc<Jobs>,
    books: Books,
    instance: String,
    strangers: Semaphore,
    /// Whoever reads something large of a job.
    reading: Semaphore,
    pub(crate) meters: Arc<Meters>,
    /// Who may spend no more.
    pub(crate) purses: Arc<Purses>,
    ids: RequestIds,
    /// What pages of other origins are told, where there are any.
    browsers: Option<CorsLayer>,
    /// The calls that may run on without their clients.
    pub(crate) runs_on: AllRunsOn,
    /// Says when the process is to end, once it runs.
    pub(crate) shutdown: OnceLock<Shutdown>,
}

impl Proxy {
    /// Puts the parts together; nothing runs yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(deps: Deps, settings: Settings) -> Result<Arc<Self>, TlsError> {
        let transport = Transport::new(&settings.transport, deps.listeners.clone())?;
        Ok(Arc::new(Self {
            transport,
            affinity: Affinity::new(deps.reports.clone(), settings.made_file.as_deref()),
            jobs: Arc::new(Jobs::new(
                deps.reports.clone(),
                settings.jobs_file.as_deref(),
            )),
            books: Books {
                metrics: Arc::new(Metrics::new()),
                access: deps.access.clone(),
            },
            instance: deps.boot.simple().to_string(),
            strangers: Semaphore::new(MAX_WAITING_STRANGERS),
            reading: Semaphore::new(1),
            meters: Meters::new(&deps.reports, deps.pools.sleeps().place(), settings.zone),
            purses: Arc::default(),
            ids: RequestIds::new(deps.boot),
            browsers: browsers::layer(&settings.allowed_origins),
            runs_on: AllRunsOn::default(),
            shutdown: OnceLock::new(),
            deps,
            settings,
        }))
    }

    /// Answers one request. The whole proxy, as a server calls it.
    pub async fn handle(self: Arc<Self>, request: Request<Inbound>, peer: Peer) -> Response<Body> {
        match self.browsers.clone() {
            None => self.serve_to_end(request, peer).await,
            Some(layer) => {
                // Apart: other calls need not carry its room.
                let served = |request| Arc::clone(&self).serve_to_end(request, peer);
                Box::pin(browsers::through(layer, request, served)).await
            }
        }
    }

    async fn serve_to_end(
        self: Arc<Self>,
        mut request: Request<Inbound>,
        peer: Peer,
    ) -> Response<Body> {
        if !may_begin_job(&request) {
            return self.serve(request, peer).await;
        }
        let mark = Mark::default();
        request.extensions_mut().insert(mark.clone());
        let place = self.runs_on.place();
        let work = async move { self.serve(request, peer).await };
        RunsOn::new(work, mark, place).await
    }

    async fn serve(&self, request: Request<Inbound>, peer: Peer) -> Response<Body> {
        let request_id = self.ids.of(request.headers());
        let account = Account::open(&self.books, &request, peer.address, request_id.clone());
        let to_anthropic = caller(request.uri(), request.headers()) == Caller::Anthropic;
        let mut account = Some(Box::new(account));
        let mut response = if span_wanted() {
            let span = tracing::info_span!(
                "proxy",
                otel.kind = "server",
                http.request.method = request.method().as_str(),
                url.path = request.uri().path(),
                http.response.status_code = tracing::field::Empty,
                foldgate.end = tracing::field::Empty,
            );
            continue_trace(&span, request.headers());
            if let Some(account) = &mut account {
                account.span = span.clone();
            }
            self.answer(request, &mut account).instrument(span).await
        } else {
            self.answer(request, &mut account).await
        };
        let headers = response.headers_mut();
        if to_anthropic {
            headers.insert(request_id::ANTHROPIC, request_id.clone());
        }
        headers.insert(request_id::HEADER, request_id);
        response
    }

    /// What is answered when a handler panicked.
    pub fn panicked() -> Response<Body> {
        Problem::internal().to_response().map(Body::whole)
    }

    async fn answer(
        &self,
        request: Request<Inbound>,
        account: &mut Option<Box<Account>>,
    ) -> Response<Body> {
        let mut table = self.deps.replica.table();
        let (parts, mut body) = request.into_parts();
        let answered = self.phases(&parts, &mut body, account, &mut table).await;
        let mut response = match answered {
            Ok(response) => response,
            Err(problem) => {
                let caller = caller(&parts.uri, &parts.headers);
                let problem = problem.spoken_to(caller);
                let mut id = String::new();
                if let Some(account) = account {
                    account.refuse(&problem);
                    id.push_str(account.request_id.to_str().unwrap_or_default());
                }
                if !body.is_end_stream() && !parts.headers.contains_key(header::EXPECT) {
                    drain(&mut body).await;
                }
                let mut response = problem.to_response_for(caller, &id).map(Body::whole);
                if let Some(account) = account {
                    show(&account.standing, caller, response.headers_mut());
                }
                response
            }
        };
        let revision = HeaderValue::from(table.revision().0);
        response.headers_mut().insert(X_FOLDGATE_REVISION, revision);
        response
    }

    async fn phases(
        &self,
        parts: &Parts,
        body: &mut Inbound,
        slot: &mut Option<Box<Account>>,
        table: &mut Arc<Table>,
    ) -> Result<Response<Body>, Problem> {
        let Some(account) = slot else {
            return Err(Problem::internal());
        };
        let target = find(&parts.method, parts.uri.path())?;
        account.endpoint = match &target {
            Target::Call(endpoint, _) => endpoint.name,
            Target::Models | Target::Model(_) => "models",
            Target::Document => "openapi",
        };
        if target == Target::Document {
            return Ok(openapi::answer(account, parts));
        }
        let peer = account.peer.ip();
        let admitted = self.admitted(parts, peer, table).await;
        account.revision = table.revision();
        let admitted = admitted?;
        account.caller = Some(admitted.account());
        let created = table.state.at.0 / 1000;
        match target {
            Target::Call(endpoint, id) => {
                let arrival = Arrival {
                    parts,
                    peer,
                    admitted,
                };
                let place = (endpoint, id.as_deref());
                self.call(place, arrival, (body, table), slot).await
            }
            Target::Models => {
                let list = models::list(
                    &admitted.access()?,
                    (created, caller(&parts.uri, &parts.headers)),
                );
                Ok(listed(account, &parts.method, list))
            }
            Target::Model(model) => {
                let found = models::one(
                    &admitted.access()?,
                    &model,
                    (created, caller(&parts.uri, &parts.headers)),
                )?;
                Ok(listed(account, &parts.method, found))
            }
            // Answered above, before anybody was let in.
            Target::Document => Err(Problem::internal()),
        }
    }
}

/// An answer that was ready.
pub(crate) fn listed(account: &mut Account, method: &Method, json: bytes::Bytes) -> Response<Body> {
    account.answer(StatusCode::OK);
    account.end = End::Done;
    let length = HeaderValue::from(json.len());
    let json = if method == Method::HEAD {
        bytes::Bytes::new()
    } else {
        json
    };
    account.bytes_out = json.len() as u64;
    let mut response = Response::new(Body::whole(json));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, length);
    response
}
