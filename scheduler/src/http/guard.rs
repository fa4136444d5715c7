//! Who may ask: gRPC callers show a bearer token, browsers give it as the password of any user.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::id::Digest;
use rpc::{Code, Error};
use subtle::ConstantTimeEq;
use tonic::Status;

/// Knows the token by its digest: comparing two digests takes as long for a long guess as for a short one.
#[derive(Clone, Copy)]
pub(super) struct Guard(Option<Digest>);

impl Guard {
    /// No token: everybody may.
    pub(super) fn new(token: Option<&str>) -> Self {
        Self(token.map(|token| Digest::of(token.as_bytes())))
    }

    fn lets_in(&self, request: &Request, grpc: bool) -> bool {
        let Some(token) = &self.0 else { return true };
        let Some(shown) = request.headers().get(AUTHORIZATION).and_then(|value| shown(value, grpc)) else {
            return false;
        };
        token.0.ct_eq(&Digest::of(&shown).0).into()
    }
}

/// The token in the header. gRPC takes no password, which a browser would add to what another site asks for.
fn shown(header: &HeaderValue, grpc: bool) -> Option<Vec<u8>> {
    let (scheme, rest) = header.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().as_bytes().to_vec());
    }
    if !grpc && scheme.eq_ignore_ascii_case("basic") {
        let pair = STANDARD.decode(rest.trim()).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        return Some(pair[colon + 1..].to_vec());
    }
    None
}

/// Whether the request speaks gRPC.
pub(super) fn is_grpc(request: &Request) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Lets in or turns away.
pub(super) async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let grpc = is_grpc(&request);
    if guard.lets_in(&request, grpc) {
        return next.run(request).await;
    }
    if grpc {
        let error = Error::new(Code::Unauthenticated, "the token is missing or wrong")
            .hint("--token or JOBCTL_TOKEN gives it");
        return Status::from(error).into_http();
    }
    let challenge = [(WWW_AUTHENTICATE, r#"Basic realm="jobctl", charset="UTF-8""#)];
    let message = "the token is missing or wrong: give it as the password, with any user name\n";
    (StatusCode::UNAUTHORIZED, challenge, message).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asking(authorization: Option<&str>) -> Request {
        let mut request = Request::new(Body::empty());
        if let Some(value) = authorization {
            let value = HeaderValue::from_str(value).expect("a header value");
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        request
    }

    #[test]
    fn only_the_token_opens_the_door() {
        let guard = Guard::new(Some("secret"));
        // `any:secret` and `any:other`.
        let (right, wrong) = ("Basic YW55OnNlY3JldA==", "Basic YW55Om90aGVy");

        for grpc in [true, false] {
            assert!(guard.lets_in(&asking(Some("Bearer secret")), grpc));
            for shut in [None, Some("Bearer secre"), Some("Bearer "), Some("secret"), Some(wrong)] {
                assert!(!guard.lets_in(&asking(shut), grpc), "{shut:?}");
            }
        }
        assert!(guard.lets_in(&asking(Some(right)), false));
        assert!(!guard.lets_in(&asking(Some(right)), true));
        assert!(Guard::new(None).lets_in(&asking(None), true));
    }
}
