//! How many requests a principal may make in a minute, counted across all environments.
//!
//! The count is in the table, and told with every answer. Where it cannot be kept just now, nobody is kept out by that.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use callboard_domain::OrgId;
use callboard_wire::connection::AuthContext;

use crate::{Context, caller::auth, problem::problem, tags::put};

/// Requests a minute unless a setting says otherwise.
pub(crate) const PER_MINUTE: u32 = 300;

/// What of its requests a principal has left in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Budget {
    most: u32,
    made: u64,
    /// When the minute is over, in seconds.
    reset_s: i64,
}

/// Counts a request, refuses one too many, and tells what is left.
pub(crate) async fn count(State(context): State<Context>, request: Request, next: Next) -> Response {
    let budget = match auth(request.extensions()) {
        Some(auth) => budget(&context, &auth).await,
        None => None,
    };
    let Some(budget) = budget else { return next.run(request).await };
    let mut response = if budget.is_over() { refusal(budget) } else { next.run(request).await };
    budget.tell(response.headers_mut());
    response
}

async fn budget(context: &Context, auth: &AuthContext) -> Option<Budget> {
    let own = auth.requests_per_minute.as_deref().and_then(|most| most.parse().ok());
    let most: u32 = own.unwrap_or(context.requests_per_minute);
    let org = OrgId::parse(&auth.org).ok().filter(|_| most > 0)?;
    let now_s = context.clock.now_ms().div_euclid(1_000);
    let minute = now_s.div_euclid(60);
    match context.accounts.count_request(&org, &auth.principal, minute).await {
        Ok(made) => Some(Budget { most, made, reset_s: (minute + 1) * 60 - now_s }),
        Err(error) => {
            tracing::warn!(%error, "a request could not be counted and is let through");
            None
        }
    }
}

fn refusal(budget: Budget) -> Response {
    let Budget { most, reset_s, .. } = budget;
    let detail = format!("this token made its {most} requests of this minute: try again in {reset_s} s");
    let mut response = problem(StatusCode::TOO_MANY_REQUESTS, &detail).into_response();
    put(response.headers_mut(), header::RETRY_AFTER, &reset_s.to_string());
    response
}

impl Budget {
    fn is_over(self) -> bool {
        self.made > u64::from(self.most)
    }

    fn tell(self, headers: &mut HeaderMap) {
        let left = u64::from(self.most).saturating_sub(self.made);
        put(headers, HeaderName::from_static("ratelimit-limit"), &self.most.to_string());
        put(headers, HeaderName::from_static("ratelimit-remaining"), &left.to_string());
        put(headers, HeaderName::from_static("ratelimit-reset"), &self.reset_s.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_request_of_a_minute_gets_through() {
        for (made, is_over, left) in [(1, false, "1"), (2, false, "0"), (3, true, "0")] {
            let budget = Budget { most: 2, made, reset_s: 21 };
            let mut headers = HeaderMap::new();
            budget.tell(&mut headers);
            let told = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| &headers[name]);
            assert_eq!((budget.is_over(), told), (is_over, ["2", left, "21"].map(|it| it.parse().unwrap()).each_ref()));
        }
        let refused = refusal(Budget { most: 2, made: 3, reset_s: 21 });
        assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"21".parse().unwrap()));
    }
}
