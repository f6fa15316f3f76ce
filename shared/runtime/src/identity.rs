//! Who may get in, as the settings say: this deployment's own people and keys, and those of another issuer.

use callboard_adapters::{
    accounts::Accounts,
    identity::{Identity, Oidc, OidcConfig},
};

use crate::{SettingError, Settings, start::http_client};

/// How this deployment's access tokens name it: `TOKEN_ISSUER`, or `callboard`.
pub fn issuer(settings: &Settings) -> &str {
    settings.optional("TOKEN_ISSUER").unwrap_or("callboard")
}

/// What finds out who shows a secret. Reads `TOKEN_ISSUER`, and what [`oidc`] does.
pub fn connect(settings: &Settings, accounts: Accounts) -> Result<Identity, SettingError> {
    Ok(Identity::new(accounts, issuer(settings), oidc(settings)?))
}

/// The other issuer, where `OIDC_ISSUER` is set; then `OIDC_AUDIENCE` must be. Reads `OIDC_ORG_CLAIM` and
/// `OIDC_ROLE_CLAIM`, which are as Amazon Cognito has them where they are not set: `custom:org` and `cognito:groups`.
pub fn oidc(settings: &Settings) -> Result<Option<Oidc>, SettingError> {
    let name = "OIDC_ISSUER";
    let Some(issuer) = settings.optional(name) else { return Ok(None) };
    let claim = |name: &str, default: &str| settings.optional(name).unwrap_or(default).to_owned();
    let config = OidcConfig {
        issuer: issuer.to_owned(),
        audience: settings.required("OIDC_AUDIENCE")?.to_owned(),
        org_claim: claim("OIDC_ORG_CLAIM", "custom:org"),
        role_claim: claim("OIDC_ROLE_CLAIM", "cognito:groups"),
    };
    if config.issuer == self::issuer(settings) {
        return Err(SettingError::malformed(name, "it is this deployment itself: name another issuer"));
    }
    Oidc::new(config, http_client()?).map(Some).map_err(|error| SettingError::malformed(name, error))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn another_issuer_is_taken_where_it_is_set() {
        const COGNITO: (&str, &str) = ("OIDC_ISSUER", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a");
        const AUDIENCE: (&str, &str) = ("OIDC_AUDIENCE", "client");
        for (pairs, expected) in [
            (vec![], Ok(false)),
            (vec![AUDIENCE], Ok(false)),
            (vec![COGNITO, AUDIENCE], Ok(true)),
            (vec![COGNITO], Err("OIDC_AUDIENCE is not set")),
            (vec![("OIDC_ISSUER", "http://issuer.example"), AUDIENCE], Err("OIDC_ISSUER is malformed")),
            (vec![COGNITO, AUDIENCE, ("TOKEN_ISSUER", COGNITO.1)], Err("OIDC_ISSUER is malformed")),
        ] {
            let variables: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let found = oidc(&Settings::from(variables)).map(|oidc| oidc.is_some()).map_err(|error| error.to_string());
            match expected {
                Ok(there) => assert_eq!(found, Ok(there), "{pairs:?}"),
                Err(told) => {
                    assert!(found.as_ref().is_err_and(|error| error.starts_with(told)), "{pairs:?}: {found:?}")
                }
            }
        }
    }
}
