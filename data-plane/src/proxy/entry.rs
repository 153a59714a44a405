//! How a request gets in: from the revision it asks for, and again when the
//! table has moved on while its body came.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use foldgate_domain::Table;
use foldgate_proto::Revision;
use http::request::Parts;
use http::{HeaderName, StatusCode};

use super::{Arrival, Proxy};
use crate::admit::{Admitted, Guest, admit, presents_key};
use crate::error::Problem;
use crate::pools::now;

const X_FOLDGATE_MIN_REVISION: HeaderName = HeaderName::from_static("x-foldgate-min-revision");

/// How long a request waits for the revision it asks for.
const REVISION_PATIENCE: Duration = Duration::from_secs(5);

impl Proxy {
    /// Lets a request in, from the revision it asks for. A caller who is known
    /// may wait for it; so may a few who may become known by it.
    pub(super) async fn admitted(
        &self,
        parts: &Parts,
        peer: IpAddr,
        table: &mut Arc<Table>,
    ) -> Result<Admitted, Problem> {
        let headers = &parts.headers;
        let first = self.let_in(table, parts, peer);
        let Some(wanted) = headers.get(&X_FOLDGATE_MIN_REVISION) else {
            return first;
        };
        let known = !matches!(&first, Err(problem) if problem.status != StatusCode::FORBIDDEN);
        if !known && !presents_key(headers) {
            return first;
        }
        let wanted = wanted.to_str().ok().and_then(|text| text.parse().ok());
        let Some(wanted) = wanted.map(Revision) else {
            return Err(first.err().unwrap_or_else(Problem::bad_revision));
        };
        if table.revision() >= wanted {
            return first;
        }
        let behind = || Problem::behind(Duration::from_secs(1));
        let _place = if known {
            None
        } else {
            Some(self.strangers.try_acquire().map_err(|_| behind())?)
        };
        let replica = &self.deps.replica;
        replica.poke();
        let outcome = replica.wait_for(wanted, REVISION_PATIENCE).await;
        *table = replica.table();
        outcome.map_err(|_| behind())?;
        self.let_in(table, parts, peer)
    }

    /// The same caller by the newest table: from here on the request keeps to
    /// that. A key that was revoked while the body came does not get in.
    pub(super) fn readmitted(
        &self,
        arrival: Arrival<'_>,
        table: &mut Arc<Table>,
    ) -> Result<Admitted, Problem> {
        let newest = self.deps.replica.table();
        if newest.revision() == table.revision() {
            return Ok(arrival.admitted);
        }
        *table = newest;
        self.let_in(table, arrival.parts, arrival.peer)
    }

    /// Whether an admitted caller may begin one more attempt: its key may have
    /// been revoked, or its account suspended, since `table`.
    pub(super) fn stands(&self, admitted: &Admitted, table: &Table) -> bool {
        let newest = self.deps.replica.table();
        newest.revision() == table.revision() || admitted.stands(&newest, now())
    }

    fn let_in(&self, table: &Table, parts: &Parts, peer: IpAddr) -> Result<Admitted, Problem> {
        let guest = Guest {
            headers: &parts.headers,
            path: parts.uri.path(),
            address: peer,
            at: now(),
        };
        admit(table, &guest).map_err(|problem| self.unless_unready(problem))
    }

    /// A node without a table, or with one from before the first owner, knows
    /// nobody; that is not the caller's fault.
    fn unless_unready(&self, problem: Problem) -> Problem {
        let unknown = problem.status == StatusCode::UNAUTHORIZED;
        let replica = &self.deps.replica;
        if unknown && (!replica.status().ready || replica.table().state.owners.is_empty()) {
            return Problem::not_ready();
        }
        problem
    }
}
