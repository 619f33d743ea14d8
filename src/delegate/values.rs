//! Values of the Helm chart `harness-delegate-ng`, patched in their own terms (its `values.yaml` and
//! `templates/deployment.yaml`).

mod keys;
mod undo;

use super::access::{Irsa, annotations};
use super::delivery::{
    Budget, OURS, compose, has_init_container, is_shared, is_there, note_hidden, pair,
    set_variables, takes_volume, variables,
};
use super::init_script::{DAMAGE_HINT, damage};
use super::names::AccountName;
use super::patch::{Delivery, Edits, Patched, Plan};
use super::pod::{Mounts, copy, name_of};
use super::prefix::{self, WORKING_DIRECTORY};
use super::record::{Kind, Record, VOLUME_WAS_THERE, WAS_NOT_QUOTED};
use super::wearer::{Given, Wearer};
use super::{Error, Manifests, take_out};
use crate::yaml::{Node, Path, Style, Value};

pub(super) use undo::remove;

/// The name of the chart, below which an umbrella chart has its values.
const CHART: &str = "harness-delegate-ng";

/// Keys that tell the chart's values from others; two of them are enough.
const TELLING: [&str; 9] = [
    "accountId",
    "delegateDockerImage",
    "delegateName",
    "delegateToken",
    "existingDelegateToken",
    "initScript",
    "k8sPermissionsType",
    "managerEndpoint",
    "upgrader",
];

/// The annotations of the Deployment and of its pods, where the record goes.
const ANNOTATIONS: &str = "delegateAnnotations";

/// The startup probe of the chart where the values do not say another one.
pub const PROBE: Budget = Budget {
    delay: 10,
    period: 10,
    failures: 40,
};

/// The values of one delegate.
#[derive(Clone, Debug)]
pub struct Values<'s> {
    /// The index of their file.
    pub file: usize,
    /// Where they are.
    pub path: Path,
    /// All of them.
    pub node: Node<'s>,
}

impl<'s> Values<'s> {
    /// All that there are, in their order.
    pub fn all(manifests: &Manifests<'s>) -> Vec<Self> {
        let streams = manifests.streams().iter().enumerate();
        let mut all = Vec::new();
        for (file, stream) in streams {
            for (document, node) in stream.documents().enumerate() {
                let path = Path::of(document);
                let nested = node.get(CHART).map(|node| (path.clone().key(CHART), node));
                let places = [(path, node)].into_iter().chain(nested);
                all.extend(
                    places
                        .filter(|(_, node)| is_values(*node))
                        .map(|(path, node)| Self { file, path, node }),
                );
            }
        }
        all
    }

    /// The ones that are meant: those of this delegate, or the only ones.
    fn choose(all: &[Self], name: Option<&str>) -> Result<Self, Error> {
        let found = || all.iter().map(Self::name).collect::<Vec<_>>().join(", ");
        let mut meant = all
            .iter()
            .filter(|values| name.is_none_or(|name| values.name() == name));
        match (meant.next(), meant.next()) {
            (Some(one), None) => Ok(one.clone()),
            (None, _) => Err(Error::NoSuchDelegate {
                name: name.unwrap_or_default().to_owned(),
                found: found(),
            }),
            _ => Err(Error::SeveralDelegates { found: found() }),
        }
    }

    fn name(&self) -> &'s str {
        text(self.node, "delegateName").unwrap_or("(without delegateName)")
    }

    /// What is mounted beside what the chart mounts by itself.
    pub(super) fn mounts(&self) -> Mounts<'s> {
        Mounts {
            mounts: self.node.get("custom_mounts"),
            volumes: self.node.get("custom_volumes"),
            claims: None,
        }
    }

    /// The items of one of the lists.
    pub(super) fn items(&self, key: &str) -> impl Iterator<Item = Node<'s>> + use<'s> {
        self.node.get(key).into_iter().flat_map(Node::items)
    }
}

fn is_values(node: Node<'_>) -> bool {
    let has = |key: &&&str| node.get(key).is_some();
    node.is_mapping() && node.get("kind").is_none() && TELLING.iter().filter(has).count() >= 2
}

fn text<'s>(node: Node<'s>, key: &str) -> Option<&'s str> {
    node.get(key)?.scalar().filter(|text| !text.is_empty())
}

/// Patches the values of one delegate.
pub(super) fn patch(
    manifests: &Manifests<'_>,
    all: &[Values<'_>],
    plan: &Plan,
) -> Result<Patched, Error> {
    let values = Values::choose(all, plan.delegate.as_deref())?;
    let mut edits = Edits::new(manifests.streams());
    keys::check(&values, &mut edits);
    let annotations = values.node.get(ANNOTATIONS);
    let mut record = Record::among(manifests, values.file, annotations)?;
    if let Some(irsa) = &plan.irsa {
        account(manifests, &values, irsa, &mut record, &mut edits)?;
    }
    tools(manifests, &values, plan, &mut record, &mut edits)?;
    let path = values.path.clone().key(ANNOTATIONS);
    record.write(values.file, &path, annotations, &mut edits)?;
    edits.finish()
}

/// The account that the values of one delegate make.
pub(super) fn wearer(
    manifests: &Manifests<'_>,
    all: &[Values<'_>],
    given: Given<'_>,
) -> Result<Wearer, Error> {
    let values = Values::choose(all, given.delegate)?;
    let account = values.node.get("serviceAccount");
    let named = account.and_then(|account| text(account, "name"));
    let Some(name) = given.account.map(AccountName::as_str).or(named) else {
        return Err(Error::Conflict {
            message: format!(
                "the values of {} do not name the ServiceAccount, which the chart names after the release",
                values.name()
            ),
            hint: "name it with --service-account, or with serviceAccount.name in the values",
        });
    };
    let annotations = account.and_then(|account| account.get("annotations"));
    let whose = format!("the release of {}", values.name());
    Wearer::new(
        given.namespace_beside(None, &whose)?,
        name.to_owned(),
        manifests,
        annotations.map(|node| (values.file, node)),
    )
}

fn account(
    manifests: &Manifests<'_>,
    values: &Values<'_>,
    irsa: &Irsa,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    if irsa.replace_subject || !irsa.bindings.is_empty() {
        return Err(Error::Conflict {
            message: "the chart binds its own account".to_owned(),
            hint: "leave --binding and --replace-subject out; k8sPermissionsType says what it may do",
        });
    }
    let create = values.node.dig(&["serviceAccount", "create"]);
    if let Some(create) = create.filter(|create| create.bool() == Some(false)) {
        let message = "the chart makes no ServiceAccount, so its annotations go nowhere".to_owned();
        let hint = "set it to true, or annotate the account where it is made";
        return Err(manifests.refusal(values.file, create, message, hint));
    }
    take_out::note_empty(values.node, "serviceAccount", record);
    let path = values.path.clone().key("serviceAccount");
    for (name, value) in annotations(irsa) {
        let node = values.node.dig(&["serviceAccount", "annotations", &name]);
        let was = node.and_then(Node::scalar);
        let is_same = was.is_some_and(|was| Value::from(was) == value);
        if !is_same {
            record.keep(Kind::Account, &name, node.and_then(Node::as_written));
        }
        if let Some(was) = was.filter(|_| !is_same) {
            edits.note(format!(
                "the ServiceAccount had `{name}: {was}`, which makes room"
            ));
        }
        let path = path.clone().key("annotations").key(name);
        edits.set(values.file, &path, value)?;
    }
    if let Some(name) = &irsa.account {
        let was = values.node.dig(&["serviceAccount", "name"]);
        if was.and_then(Node::scalar) != Some(name.as_str()) {
            record.keep(Kind::Pod, "name", was.and_then(Node::as_written));
        }
        edits.set(values.file, &path.key("name"), name.as_str())?;
    }
    Ok(())
}

fn tools(
    manifests: &Manifests<'_>,
    values: &Values<'_>,
    plan: &Plan,
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let file = values.file;
    let at = |key: &str| values.path.clone().key(key);
    let envs = (values.node.get("custom_envs"), file, &at("custom_envs"));
    if !variables(plan).is_empty() {
        take_out::note_empty(values.node, "custom_envs", record);
    }
    set_variables(manifests, envs, plan, record, edits)?;
    if let Some(budget) = plan.startup_budget {
        let probe = values.node.get("startupProbe");
        let present = probe.map_or(PROBE, |probe| Budget::or(probe, PROBE));
        present.raise(probe, budget, (file, &at("startupProbe")), record, edits)?;
    }
    let Some(how) = &plan.delivery else {
        return Ok(());
    };
    let script = values.node.get("initScript");
    let present = text(values.node, "initScript").unwrap_or_default();
    if let Some((script, damage)) = script.zip(damage(present)) {
        return Err(manifests.refusal(file, script, damage, DAMAGE_HINT));
    }
    let is_there = is_there(present, record);
    let prefix = prefix::of_pod(manifests, (envs.0, file), plan, WORKING_DIRECTORY)?;
    volume(values, plan, (&prefix, is_there), record, edits)?;
    let list = values.node.get("custom_init_containers");
    let is_wanted = matches!(how, Delivery::InitContainer { .. });
    let has_container = has_init_container(list, (is_there, is_wanted), record)?;
    if let Delivery::InitContainer { image } = how {
        take_out::note_empty(values.node, "custom_init_containers", record);
        let path = at("custom_init_containers").item_where("name", OURS);
        for (key, value) in init_container(values, plan, image, (&prefix, is_there), record) {
            edits.set(file, &path.clone().key(key), value)?;
        }
    } else if has_container {
        let key = "custom_init_containers";
        let place = (values.node, file, &values.path);
        take_out::items(place, key, [OURS], record, edits)?;
    }
    let Some(new) = compose(plan, how, present, &prefix, record, edits) else {
        return Ok(());
    };
    match script {
        None => record.keep(Kind::Variable, "initScript", None),
        Some(script) if present.is_empty() && script.style() != Some(Style::Double) => {
            record.mark(WAS_NOT_QUOTED);
        }
        Some(_) => {}
    }
    edits.set(file, &at("initScript"), new)?;
    Ok(())
}

/// A volume on disk at the prefix.
fn volume(
    values: &Values<'_>,
    plan: &Plan,
    (prefix, is_there): (&str, bool),
    record: &mut Record,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let mounts = values.mounts();
    if !takes_volume(mounts, prefix, is_there, record)? {
        return Ok(());
    }
    take_out::note_empty(values.node, "custom_volumes", record);
    take_out::note_empty(values.node, "custom_mounts", record);
    let at = |key: &str| values.path.clone().key(key).item_where("name", OURS);
    let is_there = |list: Node<'_>| list.item_where("name", OURS).is_some();
    if !mounts.volumes.is_some_and(is_there) {
        let path = at("custom_volumes").key("emptyDir");
        edits.set(values.file, &path, Value::Mapping(Vec::new()))?;
        note_hidden(plan, prefix, edits);
    }
    let path = at("custom_mounts").key("mountPath");
    edits.set(values.file, &path, prefix)?;
    Ok(())
}

fn init_container(
    values: &Values<'_>,
    plan: &Plan,
    image: &str,
    (prefix, is_there): (&str, bool),
    record: &Record,
) -> Vec<(&'static str, Value)> {
    let command = std::iter::once("bootstrap".to_owned()).chain(plan.wishes.arguments());
    let wanted = variables(plan);
    let is_wanted = |name: &str| wanted.iter().any(|(own, _)| *own == name);
    let mut env = vec![pair("BOOTSTRAP_PREFIX", prefix)];
    for (key, name) in [
        ("proxyHost", "PROXY_HOST"),
        ("proxyPort", "PROXY_PORT"),
        ("proxyScheme", "PROXY_SCHEME"),
        ("noProxy", "NO_PROXY"),
    ] {
        env.extend(text(values.node, key).map(|value| pair(name, value)));
    }
    let shared = values.items("custom_envs").filter(|item| {
        let name = text(*item, "name").unwrap_or_default();
        is_shared(name) && !is_wanted(name) && name != "BOOTSTRAP_PREFIX"
    });
    env.extend(shared.map(copy));
    let own = wanted
        .iter()
        .filter(|(name, _)| *name != "BOOTSTRAP_PREFIX");
    env.extend(own.map(|(name, value)| pair(name, value)));
    let mount = |name: &str, path: &str| {
        Value::mapping([("name", name.into()), ("mountPath", path.into())])
    };
    let present = values.mounts();
    let theirs = present.above(prefix).filter(|mount| {
        let is_named = name_of(*mount) == Some(OURS);
        let is_ours = is_there && is_named && !record.has(VOLUME_WAS_THERE);
        present.unfit(prefix).is_none() && !is_ours
    });
    let mut mounts = vec![theirs.map_or_else(|| mount(OURS, prefix), copy)];
    // The chart's own volume, which the delegate's container has at the same place.
    if values
        .node
        .dig(&["delegateCustomCa", "secretName"])
        .is_some_and(|name| !name.is_null())
    {
        mounts.push(mount(
            "custom-certs",
            &format!("{WORKING_DIRECTORY}/ca-bundle/"),
        ));
    }
    let mut keys = vec![
        ("image", image.into()),
        ("command", Value::sequence(command)),
        ("env", Value::Sequence(env)),
    ];
    let context = values
        .node
        .get("delegateSecurityContext")
        .or_else(|| values.node.dig(&["delegate", "securityContext"]));
    keys.extend(context.map(|context| ("securityContext", copy(context))));
    keys.push(("volumeMounts", Value::Sequence(mounts)));
    keys
}
