//! The context of a kubeconfig by which a cluster is asked: it must lead to that cluster, and enter it
//! as it is to be entered, or what is found out would be another's.

use std::path::Path;

use url::Url;

use crate::arn::{Arn, Region};
use crate::cluster::Cluster;
use crate::cluster::access::{Listed, Login};

/// The cluster that is meant, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant<'a> {
    /// As it was named.
    pub(super) cluster: &'a Cluster,
    /// Its ARN.
    pub(super) arn: Option<&'a Arn>,
    /// The address of its API server.
    pub(super) endpoint: Option<&'a str>,
    /// Its region.
    pub(super) region: Option<&'a Region>,
}

/// What a kubeconfig has for a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This context.
    Found {
        /// Its name.
        name: String,
        /// Who enters by it.
        login: Login,
    },
    /// Contexts that will not do.
    Unfit {
        /// Why not.
        reason: String,
        /// Whether one of them should: the one with the alias of the cluster.
        is_wrong: bool,
    },
    /// None.
    Missing,
}

/// The context of a cluster in `file`: the one with its alias; else, of those that lead to the cluster
/// and enter it as its role, the one that is named as `bootstrap kubeconfig` names it, or the only one.
///
/// Where nobody says which role a cluster is entered as, a context for whoever runs this comes before
/// one that does not say who enters, and that before one for a role. Where the ARN is not known, a
/// cluster is known by its name, its region, and the account of its role.
pub(super) fn choose(meant: Meant<'_>, file: &Path, listed: &[Listed]) -> Choice {
    let unfit = |reason: String, is_wrong| Choice::Unfit {
        reason: format!("{}: {reason}", file.display()),
        is_wrong,
    };
    if let Some(alias) = &meant.cluster.alias {
        let mut named = listed.iter();
        let Some(named) = named.find(|context| context.name == alias.as_str()) else {
            return Choice::Missing;
        };
        if !meant.is_reached_by(named) {
            let is_known = meant.arn.is_some() || named.cluster.parse::<Arn>().is_ok();
            let verb = if is_known { "leads" } else { "may lead" };
            let reason = format!(
                "the context `{alias}` {verb} to another cluster, `{}`",
                named.cluster
            );
            return unfit(reason, is_known);
        }
        if meant.rank(&named.login).is_none() {
            return unfit(meant.entered_otherwise(&[named]), true);
        }
        return found(named);
    }
    let reaching = listed.iter().filter(|context| meant.is_reached_by(context));
    let reaching: Vec<_> = reaching.collect();
    if reaching.is_empty() {
        return Choice::Missing;
    }
    let ranked = reaching.iter().copied();
    let ranked = ranked.filter_map(|context| Some((meant.rank(&context.login)?, context)));
    let ranked: Vec<_> = ranked.collect();
    let Some(first) = ranked.iter().map(|(rank, _)| rank).min() else {
        return unfit(meant.entered_otherwise(&reaching), false);
    };
    let best = ranked.iter().filter(|(rank, _)| rank == first);
    let best: Vec<_> = best.map(|(_, context)| *context).collect();
    let ours = best.iter().copied();
    let ours: Vec<_> = ours.filter(|it| meant.names_as_we_do(it)).collect();
    match (ours.as_slice(), best.as_slice()) {
        ([only], _) | ([], [only]) => found(only),
        _ => {
            let names: Vec<_> = best.iter().map(|it| format!("`{}`", it.name)).collect();
            let names = names.join(", ");
            let reason = format!(
                "several contexts may be meant, and neither --region nor --alias tells which: {names}"
            );
            unfit(reason, false)
        }
    }
}

fn found(context: &Listed) -> Choice {
    Choice::Found {
        name: context.name.clone(),
        login: context.login.clone(),
    }
}

impl Meant<'_> {
    /// Whether a context leads to this cluster: by the ARN that its entry is named by, or by the
    /// address.
    fn is_reached_by(&self, context: &Listed) -> bool {
        let named: Option<Arn> = context.cluster.parse().ok();
        if let Some(arn) = self.arn {
            let is_same = |(one, other): (&str, &str)| {
                address(one).is_some_and(|one| Some(one) == address(other))
            };
            return named.as_ref() == Some(arn)
                || context
                    .server
                    .as_deref()
                    .zip(self.endpoint)
                    .is_some_and(is_same);
        }
        let role = self.cluster.role.as_ref();
        named.is_some_and(|arn| {
            arn.resource_of("eks", "cluster") == Some(self.cluster.name.as_str())
                && (self.region.is_none() || arn.region.as_ref() == self.region)
                && role.is_none_or(|role| arn.account.as_ref() == Some(&role.account))
        })
    }

    /// How well it fits who should enter, 0 first; none where it does not.
    fn rank(&self, login: &Login) -> Option<u8> {
        match (&self.cluster.role, login) {
            (_, Login::InTheNameOf(_)) | (Some(_), Login::Caller) => None,
            (Some(role), Login::Role(other)) => (role == other).then_some(0),
            (None, Login::Caller) => Some(0),
            (_, Login::Unknown) => Some(1),
            (None, Login::Role(_)) => Some(2),
        }
    }

    fn names_as_we_do(&self, context: &Listed) -> bool {
        match &self.cluster.role {
            Some(role) => context.name == format!("{role}@{}", context.cluster),
            None => context.name == context.cluster,
        }
    }

    /// Why none of these contexts will do.
    fn entered_otherwise(&self, contexts: &[&Listed]) -> String {
        let wanted = self.cluster.role.as_ref();
        let wanted = wanted.map_or("whoever runs this", |role| role.as_str());
        let entered = contexts.iter().map(|context| {
            let as_whom = match &context.login {
                Login::Caller => "as whoever runs it".to_owned(),
                Login::Role(role) => format!("as {role}"),
                Login::InTheNameOf(name) => format!("in the name of `{name}`"),
                Login::Unknown => "as somebody that it does not name".to_owned(),
            };
            format!("the context `{}` enters it {as_whom}", context.name)
        });
        let entered: Vec<_> = entered.collect();
        format!("{}, and not as {wanted}", entered.join(", "))
    }
}

/// An address in the form in which two are compared: EKS writes its own in upper case.
fn address(server: &str) -> Option<Url> {
    server.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
    const OTHER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/payments";
    const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

    fn context(name: &str, cluster: &str, login: Login) -> Listed {
        Listed {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            server: Some("https://abc.eks.amazonaws.com/".to_owned()),
            login,
        }
    }

    fn plain(contexts: &[(&str, &str)]) -> Vec<Listed> {
        let contexts = contexts.iter();
        let contexts = contexts.map(|(name, cluster)| context(name, cluster, Login::Caller));
        contexts.collect()
    }

    fn role(text: &str) -> Login {
        Login::Role(text.parse().unwrap())
    }

    fn choice(listed: &[Listed], cluster: &str, arn: Option<&str>) -> Choice {
        let cluster: Cluster = cluster.parse().unwrap();
        let arn: Option<Arn> = arn.map(|arn| arn.parse().unwrap());
        let meant = Meant {
            cluster: &cluster,
            arn: arn.as_ref(),
            endpoint: Some("https://ABC.eks.amazonaws.com"),
            region: cluster.region.as_ref(),
        };
        choose(meant, Path::new("/k"), listed)
    }

    #[track_caller]
    fn check(listed: &[Listed], cluster: &str, arn: Option<&str>, expected: Option<&str>) {
        let name = match choice(listed, cluster, arn) {
            Choice::Found { name, .. } => Some(name),
            Choice::Missing => None,
            unfit @ Choice::Unfit { .. } => panic!("{cluster}: {unfit:?}"),
        };
        assert_eq!(name.as_deref(), expected, "{cluster}");
    }

    #[track_caller]
    fn is_unfit(listed: &[Listed], cluster: &str, arn: Option<&str>, wrong: bool, says: &str) {
        match choice(listed, cluster, arn) {
            Choice::Unfit { reason, is_wrong } => {
                assert!(reason.contains(says), "{reason}");
                assert_eq!(is_wrong, wrong, "{reason}");
            }
            other => panic!("{cluster}: {other:?}"),
        }
    }

    #[test]
    fn a_context_is_chosen_by_the_cluster_that_it_leads_to() {
        let mut contexts = plain(&[
            (ARN, ARN),
            (OTHER, OTHER),
            ("x", "arn:aws:eks:us-east-1:111122223333:cluster/x-payments"),
        ]);
        for context in &mut contexts {
            context.server = None;
        }
        check(&contexts, "payments", Some(ARN), Some(ARN));
        check(
            &contexts,
            "name=payments,region=eu-west-1",
            None,
            Some(OTHER),
        );
        check(&contexts, "orders", None, None);
        is_unfit(&contexts[..2], "payments", None, false, "several contexts");
        // Its entry has another name, and the address is that which EKS tells.
        check(
            &plain(&[("mine", "mine")]),
            "payments",
            Some(ARN),
            Some("mine"),
        );
        check(&plain(&[("mine", "mine")]), "payments", None, None);
    }

    #[test]
    fn an_alias_that_leads_to_another_cluster_is_wrong() {
        let mut contexts = plain(&[("prod", ARN), ("test", OTHER), ("by-hand", "x")]);
        for context in &mut contexts {
            context.server = None;
        }
        let arn = Some(ARN);
        check(&contexts, "name=payments,alias=prod", arn, Some("prod"));
        check(&contexts, "name=payments,alias=prod", None, Some("prod"));
        check(&contexts, "name=payments,alias=none", arn, None);
        let says = format!("/k: the context `test` leads to another cluster, `{OTHER}`");
        is_unfit(&contexts, "name=payments,alias=test", arn, true, &says);
        let cluster = "name=payments,region=us-east-1,alias=test";
        is_unfit(&contexts, cluster, None, true, &says);
        let cluster = "name=payments,alias=by-hand";
        is_unfit(
            &contexts,
            cluster,
            arn,
            true,
            "leads to another cluster, `x`",
        );
        is_unfit(&contexts, cluster, None, false, "may lead to another");
    }

    #[test]
    fn a_cluster_whose_arn_is_not_known_is_in_the_account_of_its_role() {
        let contexts = [context(ARN, ARN, role(ROLE))];
        let cluster =
            |account: &str| format!("name=payments,role-arn=arn:aws:iam::{account}:role/deployer");
        check(&contexts, &cluster("111122223333"), None, Some(ARN));
        check(&contexts, &cluster("444455556666"), None, None);
    }

    #[test]
    fn a_context_enters_as_the_role_of_the_cluster_or_will_not_do() {
        let both = format!("{ROLE}@{ARN}");
        let cluster = format!("name=payments,role-arn={ROLE}");
        let own = || context(ARN, ARN, Login::Caller);
        let with_role = || context(&both, ARN, role(ROLE));
        let other = || {
            let other = "arn:aws:iam::111122223333:role/other";
            context("theirs", ARN, role(other))
        };
        let unknown = || context("token", ARN, Login::Unknown);
        for arn in [Some(ARN), None] {
            let all = [own(), other(), unknown(), with_role()];
            check(&all, &cluster, arn, Some(&both));
            check(&all, "payments", arn, Some(ARN));
            check(&all[1..], "payments", arn, Some("token"));
            check(&[own(), other(), unknown()], &cluster, arn, Some("token"));
            // The only one, whose role nobody named.
            check(&[other()], "payments", arn, Some("theirs"));
            // What another program wrote has its own names.
            let theirs = context("theirs", ARN, role(ROLE));
            check(&[theirs, own()], &cluster, arn, Some("theirs"));
            let says = format!(
                "the context `{ARN}` enters it as whoever runs it, the context `theirs` enters it as \
                 arn:aws:iam::111122223333:role/other, and not as {ROLE}"
            );
            is_unfit(&[own(), other()], &cluster, arn, false, &says);
            let aliased = format!("{cluster},alias=theirs");
            is_unfit(&[other()], &aliased, arn, true, "role/other, and not as");
            let two = ["a", "b"].map(|name| context(name, ARN, role(ROLE)));
            is_unfit(&two, &cluster, arn, false, "`a`, `b`");
            let admin = context("x", ARN, Login::InTheNameOf("admin".to_owned()));
            is_unfit(&[admin], "payments", arn, false, "in the name of `admin`");
        }
    }
}
