//! What one key is sent: where it goes, in which clothes, with which body.

use std::borrow::Cow;

use foldgate_domain::Leg;
use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;

use super::{Call, Miss};
use crate::dialect::Target;
use crate::pools::Credential;
use crate::splice::Segments;
use crate::upstream::{Address, Ask, ModelEdit, Token, Unserved, for_vertex};

/// A request for one key, which may be sent again.
pub(super) struct Parcel {
    address: Address,
    body: Segments,
}

impl Parcel {
    /// What `credential` is sent for a leg whose body is `plain` where the address asks
    /// for nothing else.
    ///
    /// # Errors
    /// Why the key cannot take it.
    pub(super) fn new(
        call: &Call<'_>,
        credential: &Credential,
        (leg, plain): (&Leg<'_>, &Segments),
    ) -> Result<Self, Unserved> {
        let (message, endpoint) = (call.message, call.endpoint);
        let (id, query) = call.place;
        let path = match id {
            Some(_) => Cow::Owned(endpoint.path_of(id)),
            None => Cow::Borrowed(endpoint.path),
        };
        let ask = Ask {
            path: &path,
            query,
            model: if endpoint.takes.names_model() {
                &leg.model
            } else {
                ""
            },
            stream: message.fields.stream,
            dialect: spoken(endpoint.path),
        };
        let address = credential.address(endpoint.index, &ask)?;
        let body = match (&address.body.model, address.body.vertex_version) {
            (ModelEdit::Name(name), true) => for_vertex(message.held(), Some(name)),
            (_, true) => for_vertex(message.held(), None),
            (ModelEdit::Name(name), false) => message.edit(name, call.hide_usage),
            (ModelEdit::Keep | ModelEdit::Remove, false) => plain.clone(),
        };
        Ok(Self { address, body })
    }

    /// Sends it. A token that is refused is got anew, once.
    pub(super) async fn send(
        &self,
        call: &Call<'_>,
        credential: &Credential,
    ) -> Result<Response<Incoming>, Miss> {
        let token = self.token(call, credential).await?;
        let answer = self.send_with(call, credential, token.as_ref()).await?;
        match token {
            Some(token)
                if answer.status() == StatusCode::UNAUTHORIZED && call.message.can_be_sent() =>
            {
                drop(answer);
                credential.forget(&token);
                let token = self.token(call, credential).await?;
                self.send_with(call, credential, token.as_ref()).await
            }
            _ => Ok(answer),
        }
    }

    async fn token(&self, call: &Call<'_>, of: &Credential) -> Result<Option<Token>, Miss> {
        of.token(call.transport).await.map_err(Miss::of)
    }

    async fn send_with(
        &self,
        call: &Call<'_>,
        credential: &Credential,
        token: Option<&Token>,
    ) -> Result<Response<Incoming>, Miss> {
        let mut request = Request::new(call.message.outgoing(&self.body));
        *request.method_mut() = call.endpoint.method.into();
        *request.uri_mut() = self.address.uri.clone();
        let headers: &mut HeaderMap = request.headers_mut();
        headers.clone_from(&call.headers);
        credential.authorize(headers, self.address.auth, token);
        let answer = call.transport.send(request).await;
        answer.map_err(|error| Miss::unsent(&error))
    }
}

/// What the bodies of a path are written in.
fn spoken(path: &str) -> Target {
    match path.strip_prefix("/v1/messages") {
        Some("") => Target::Anthropic,
        Some(rest) if rest.starts_with('/') => Target::Anthropic,
        _ => Target::OpenAi,
    }
}
