//! A call to an upstream, from its head to the beginning of its answer. One way for
//! all endpoints: their rows say what differs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldgate_domain::{Access, OwnerTable, Table};
use foldgate_runtime::telemetry::propagate;
use foldgate_runtime::{Shutdown, Takeover};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use hyper::upgrade::OnUpgrade;

use super::bound::{Named, named, routed};
use super::jobs::begins_job;
use super::links::lead_back;
use super::runs_on::Mark;
use super::{Arrival, Proxy};
use crate::account::{Account, End};
use crate::admit::Admitted;
use crate::affinity::made_in;
use crate::attempt::{Answer, Call, Limit, Served, attempt};
use crate::body::{Fields, Inbound, Message, UsageChunk, drain, read, require_json, require_plain};
use crate::dialect::Caller;
use crate::endpoint::{Binds, Endpoint, Gives, Streams, Takes};
use crate::error::Problem;
use crate::limits::show;
use crate::multipart;
use crate::pools::{Held, now};
use crate::realtime::{self, Session, Terms};
use crate::relay::{Body, Form, Relay};
use crate::route::Asking;
use crate::transport::headers;
use crate::usage::text_in;

const X_FOLDGATE_SERVED_BY: HeaderName = HeaderName::from_static("x-foldgate-served-by");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How long a client may be silent in the midst of its request's body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// How long a whole body may take: 32 MiB at less than a megabit a second.
const BODY_DEADLINE: Duration = Duration::from_mins(5);

/// What is called: an endpoint, and the id in its path.
pub(super) type Place<'r> = (&'static Endpoint, Option<&'r str>);

impl Proxy {
    pub(super) async fn call(
        &self,
        place: Place<'_>,
        arrival: Arrival<'_>,
        (body, table): (&mut Inbound, &mut Arc<Table>),
        slot: &mut Option<Box<Account>>,
    ) -> Result<Response<Body>, Problem> {
        let Some(account) = slot.as_deref_mut() else {
            return Err(Problem::internal());
        };
        let (parts, (endpoint, id)) = (arrival.parts, place);
        let boundary = required(endpoint, &arrival)?;
        let mut upward = headers::for_upstream(&parts.headers, &self.instance)?;
        propagate(&account.span, &parts.headers, &mut upward);
        let takeover = match endpoint.gives {
            Gives::Socket => Some(switching(parts, &mut upward)?),
            _ => None,
        };
        let from = (parts.uri.query().unwrap_or_default(), boundary.as_deref());
        let (message, query) = self.message(endpoint, from, body).await?;
        let fields = &message.fields;
        if endpoint.takes.names_model() {
            account.requested.clone_from(&fields.model);
        }
        account.bytes_in = message.read();
        let named = named(place, &message)?;
        let bound = self.bound(&named, &arrival).await?;
        // The body may have been long in coming: what counts is what holds now.
        let admitted = self.readmitted(arrival, table)?;
        account.revision = table.revision();
        let access = admitted.access()?;
        let asking = self.asking(&admitted, &parts.headers);
        let bound = (!named.is_empty(), bound);
        let routed = routed(place, (&access, fields), bound, &asking)?;
        account.model.push_str(routed.model);
        account.permits = routed.permits;
        self.enter(account, &routed.limits, (endpoint, &message), &admitted)
            .await?;
        let quiet = matches!(fields.usage, UsageChunk::Quiet { .. });
        let call = Call {
            pools: &self.deps.pools,
            transport: &self.transport,
            meters: &self.meters,
            metrics: &self.books.metrics,
            limits: self.settings.limits,
            endpoint,
            place: (id, Some(&*query).filter(|query| !query.is_empty())),
            owner: admitted.owner(),
            standing: &|| self.stands(&admitted, table),
            plan: &routed.plan,
            headers: upward,
            message: &message,
            hide_usage: endpoint.streams == Streams::Chunks && fields.stream && quiet,
            quiet: false,
        };
        let begins = self.begins((endpoint, &message), &admitted, parts)?;
        let served = self.served(&call, &access, &admitted, account).await;
        read_whole(&message, account);
        drop(call);
        let mut served = served?;
        self.remember((endpoint, &named), &served, &admitted);
        self.see_jobs((place, begins), &served, &admitted, account);
        lead_back(endpoint, &mut served.answer);
        let proxied = (self, admitted, takeover);
        reply((served, endpoint.caller()), slot, proxied)
    }

    /// Whether a call begins a job: if so, it runs on without its client.
    fn begins(
        &self,
        (endpoint, message): (&Endpoint, &Message),
        admitted: &Admitted,
        parts: &Parts,
    ) -> Result<bool, Problem> {
        let begins = begins_job(endpoint, message);
        if begins {
            let whose = (admitted.owner(), admitted.account());
            self.jobs.may_begin(whose)?;
            if let Some(mark) = parts.extensions.get::<Mark>() {
                mark.set();
            }
        }
        Ok(begins)
    }

    async fn served(
        &self,
        call: &Call<'_>,
        access: &Access<'_>,
        admitted: &Admitted,
        account: &mut Account,
    ) -> Result<Served, Problem> {
        let (id, _) = call.place;
        self.look_before((call.endpoint, id), admitted).await?;
        if call.endpoint.binds == Binds::Lists {
            return self.listed_by_all(call, access, admitted, account).await;
        }
        attempt(call, account).await
    }

    fn asking<'a>(&'a self, admitted: &'a Admitted, headers: &'a HeaderMap) -> Asking<'a> {
        Asking {
            admitted,
            headers,
            pools: &self.deps.pools,
            meters: &self.meters,
        }
    }

    /// Goes on with a session, once the client knows that it may.
    fn goes_on(
        &self,
        admitted: Admitted,
        (upgrade, held): (OnUpgrade, Box<Held>),
        (account, silence): (Box<Account>, Limit<Duration>),
    ) -> Session {
        let replica = self.deps.replica.clone();
        let purses = Arc::clone(&self.purses);
        let shutdown = self.shutdown.get().cloned();
        let allows = {
            let (replica, admitted) = (replica.clone(), admitted.clone());
            move |model: &str| admitted.allows_model(&replica.table(), model)
        };
        Session {
            upgrade,
            held,
            account,
            terms: Terms {
                silence: silence.at,
                stands: Box::new(move || {
                    let (table, owner) = (replica.table(), admitted.owner());
                    let may_spend = |table: &Arc<OwnerTable>| {
                        purses.check(table, admitted.account(), now()).is_ok()
                    };
                    admitted.stands(&table, now()) && table.owner(owner).is_some_and(may_spend)
                }),
                draining: Box::new(move || shutdown.as_ref().is_some_and(Shutdown::is_draining)),
                allows: Box::new(allows),
                longest: self.settings.max_body_bytes,
            },
        }
    }

    /// The request's body, as far as it is needed before it goes on, and its query, as
    /// far as it goes on: it is for calls that read; the others say all in their bodies.
    async fn message<'r>(
        &self,
        endpoint: &'static Endpoint,
        (query, boundary): (&'r str, Option<&str>),
        body: &mut Inbound,
    ) -> Result<(Message, Cow<'r, str>), Problem> {
        if let Some(boundary) = boundary {
            let bounds = multipart::Bounds {
                held: self.settings.max_body_bytes,
                idle: BODY_PATIENCE,
            };
            let form = multipart::open(body, (endpoint, boundary), bounds).await?;
            return Ok((form.into(), Cow::Borrowed("")));
        }
        if endpoint.takes == Takes::Query {
            let (fields, rest) = Fields::of_query(query, endpoint)?;
            return Ok((Message::whole(Bytes::new(), fields), Cow::Owned(rest)));
        }
        if endpoint.takes == Takes::Nothing {
            // Some clients send an empty object with every POST.
            drain(body).await;
            return Ok((Message::empty(endpoint), Cow::Borrowed(query)));
        }
        let patience = (BODY_PATIENCE, BODY_DEADLINE);
        let text = read(body, self.settings.max_body_bytes, patience).await?;
        let fields = Fields::parse(&text, endpoint)?;
        Ok((Message::whole(text, fields), Cow::Borrowed("")))
    }

    /// Remembers which key made what an answer brings, and has the conversation that
    /// it went on with.
    fn remember(
        &self,
        (endpoint, named): (&Endpoint, &[Named<'_>]),
        served: &Served,
        admitted: &Admitted,
    ) {
        let whose = (admitted.owner(), admitted.account());
        let by = (served.key, !endpoint.path.starts_with("/v1/responses"));
        for id in made_in(endpoint, &served.answer) {
            self.affinity.note(whose, &id, by);
        }
        for id in named.iter().filter_map(Named::conversation) {
            self.affinity.note(whose, id, (served.key, true));
        }
    }
}

/// What a request's head must say; the boundary of a form.
fn required(endpoint: &Endpoint, arrival: &Arrival<'_>) -> Result<Option<String>, Problem> {
    let (version, headers) = (arrival.parts.version, &arrival.parts.headers);
    match endpoint.takes {
        Takes::Nothing | Takes::Query => Ok(None),
        Takes::Json | Takes::Session | Takes::Plain => {
            require_json(version, headers).map(|()| None)
        }
        Takes::Form | Takes::Upload => {
            require_plain(version, headers)?;
            multipart::boundary(headers).map(Some)
        }
    }
}

/// What only the end of a body tells: how long it is, and what a form says of its price.
fn read_whole(message: &Message, account: &mut Account) {
    account.bytes_in = message.read();
    if let Some((bill, said)) = account.bill.as_mut().zip(message.priced()) {
        bill.priced(&said);
    }
}

/// Leave to take the client's connection over; its handshake goes among the headers
/// for the upstream.
fn switching(parts: &Parts, upward: &mut HeaderMap) -> Result<Takeover, Problem> {
    realtime::upward(&parts.headers, upward)?;
    let takeover = parts.extensions.get::<Takeover>().cloned();
    takeover.ok_or_else(Problem::no_websocket)
}

fn reply(
    (served, caller): (Served, Caller),
    slot: &mut Option<Box<Account>>,
    (proxy, admitted, takeover): (&Proxy, Admitted, Option<Takeover>),
) -> Result<Response<Body>, Problem> {
    let Some(mut account) = slot.take() else {
        return Err(Problem::internal());
    };
    let standing = account.standing;
    let mut response = match served.answer {
        Answer::Whole { head, body, usage } => {
            account.answer(head.status());
            account.usage = usage;
            account.bytes_out = body.len() as u64;
            account.end = End::Done;
            if usage.is_none_or(|usage| usage.is_nothing()) {
                account.heard = text_in(&body);
                if let Some(bill) = &mut account.bill {
                    bill.hear(&body);
                }
            }
            account.whole = true;
            account.settle();
            head.map(|()| Body::whole(body))
        }
        Answer::Begun {
            mut head,
            form,
            rest,
            held,
        } => {
            account.answer(head.status());
            account.streamed = matches!(form, Form::Events(_));
            if account.streamed {
                let headers = head.headers_mut();
                let no_cache = HeaderValue::from_static("no-cache");
                headers.entry(header::CACHE_CONTROL).or_insert(no_cache);
                headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
            }
            let relay = Relay::new(rest, form, held, account, served.silence);
            head.map(|()| Body::relay(relay))
        }
        Answer::Switched {
            head,
            upgrade,
            held,
        } => {
            let takeover = takeover.ok_or_else(Problem::internal)?;
            account.answer(head.status());
            account.streamed = true;
            let ends = (account, served.silence);
            let session = proxy.goes_on(admitted, (upgrade, held), ends);
            takeover.with(|client| session.run(client));
            head.map(|()| Body::default())
        }
    };
    show(&standing, caller, response.headers_mut());
    if let Some(name) = served.by {
        response.headers_mut().insert(X_FOLDGATE_SERVED_BY, name);
    }
    Ok(response)
}
