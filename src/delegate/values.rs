//! Values of the Helm chart `harness-delegate-ng`, patched in their own terms (its `values.yaml` and
//! `templates/deployment.yaml`).

use super::access::{Irsa, annotations, is_role_annotation};
use super::delivery::{Budget, OURS, compose, is_shared, pair, variables};
use super::init_script::Parts;
use super::names::AccountName;
use super::patch::{Delivery, Edits, Patched, Plan};
use super::pod::copy;
use super::record::Record;
use super::wearer::{Given, Wearer};
use super::{Error, Manifests};
use crate::yaml::{Node, Path, Scalar, Stream, Value};

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

/// The keys that are patched.
const KEYS: [&str; 7] = [
    "custom_envs",
    "custom_init_containers",
    "custom_mounts",
    "custom_volumes",
    "initScript",
    "serviceAccount",
    "startupProbe",
];

/// The startup probe of the chart where the values do not say another one.
const PROBE: Budget = Budget {
    delay: 10,
    period: 10,
    failures: 40,
};

/// The delegate's working directory, which the chart does not change.
const WORKING_DIRECTORY: &str = "/opt/harness-delegate";

/// The values of one delegate.
#[derive(Clone, Debug)]
pub struct Values<'s> {
    file: usize,
    path: Path,
    node: Node<'s>,
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

    fn items(&self, key: &str) -> impl Iterator<Item = Node<'s>> + use<'s> {
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
    misspelt(&values, &mut edits);
    if let Some(irsa) = &plan.irsa {
        account(manifests, &values, irsa, &mut edits)?;
    }
    tools(&values, plan, &mut edits)?;
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

/// Names keys that are nearly those of the chart: Helm passes over keys that it does not know.
fn misspelt(values: &Values<'_>, edits: &mut Edits<'_>) {
    let bare = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    for (key, _) in values.node.entries() {
        let written = key.scalar().unwrap_or_default();
        let meant = KEYS
            .iter()
            .find(|known| bare(known) == bare(written) && **known != written);
        if let Some(meant) = meant {
            edits.note(format!(
                "{}: the chart has no `{written}`, which is passed over: `{meant}` is its name",
                key.location()
            ));
        }
    }
}

fn account(
    manifests: &Manifests<'_>,
    values: &Values<'_>,
    irsa: &Irsa,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    if irsa.replace_subject || !irsa.bindings.is_empty() {
        return Err(Error::Conflict {
            message: "the chart binds its own account".to_owned(),
            hint: "leave --binding and --replace-subject out; k8sPermissionsType says what it may do",
        });
    }
    let create = values.node.dig(&["serviceAccount", "create"]);
    if let Some(create) = create.filter(|create| create.bool() == Some(false))
        && let Some(stream) = manifests.streams().get(values.file)
    {
        let message = "the chart makes no ServiceAccount, so its annotations go nowhere";
        let invalid = stream.invalid(create, message);
        return Err(Error::Place(Box::new(invalid.with_hint(
            "set it to true, or annotate the account where it is made",
        ))));
    }
    let path = values.path.clone().key("serviceAccount");
    for (name, value) in annotations(irsa) {
        let path = path.clone().key("annotations").key(name);
        edits.set(values.file, &path, value)?;
    }
    if let Some(name) = &irsa.account {
        edits.set(values.file, &path.key("name"), name.as_str())?;
    }
    Ok(())
}

fn tools(values: &Values<'_>, plan: &Plan, edits: &mut Edits<'_>) -> Result<(), Error> {
    let file = values.file;
    let at = |key: &str| values.path.clone().key(key);
    let present = text(values.node, "initScript").unwrap_or_default();
    let parts = Parts::of(present);
    let mut record = Record::of(parts.record());
    for (name, value) in variables(plan) {
        if !values
            .items("custom_envs")
            .any(|item| text(item, "name") == Some(name))
        {
            record.add_variable(name);
        }
        let path = at("custom_envs").item_where("name", name).key("value");
        edits.set(file, &path, value)?;
    }
    if let Some(budget) = plan.startup_budget {
        let probe = values.node.get("startupProbe");
        let present = probe.map_or(PROBE, |probe| Budget::or(probe, PROBE));
        if present.seconds() < budget {
            record.keep_threshold(present.failures);
            let path = at("startupProbe").key("failureThreshold");
            edits.set(file, &path, present.failures_for(budget))?;
        }
    }
    let Some(how) = &plan.delivery else {
        return Ok(());
    };
    let prefix = plan
        .prefix
        .clone()
        .unwrap_or_else(|| format!("{WORKING_DIRECTORY}/bootstrap"));
    let volume = at("custom_volumes")
        .item_where("name", OURS)
        .key("emptyDir");
    if values
        .node
        .get("custom_volumes")
        .is_none_or(|list| list.item_where("name", OURS).is_none())
    {
        edits.set(file, &volume, Value::Mapping(Vec::new()))?;
    }
    let path = at("custom_mounts")
        .item_where("name", OURS)
        .key("mountPath");
    edits.set(file, &path, prefix.as_str())?;
    if let Delivery::InitContainer { image } = how {
        let path = at("custom_init_containers").item_where("name", OURS);
        for (key, value) in init_container(values, plan, image, &prefix) {
            edits.set(file, &path.clone().key(key), value)?;
        }
    } else {
        take_out(values, "custom_init_containers", edits)?;
    }
    if let Some(script) = compose(plan, how, present, &prefix, &record, edits) {
        edits.set(file, &at("initScript"), script)?;
    }
    Ok(())
}

fn init_container(
    values: &Values<'_>,
    plan: &Plan,
    image: &str,
    prefix: &str,
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
    let mut mounts = vec![mount(OURS, prefix)];
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

/// Takes out what was put in.
pub(super) fn remove(
    manifests: &Manifests<'_>,
    all: &[Values<'_>],
    delegate: Option<&str>,
) -> Result<Patched, Error> {
    let values = Values::choose(all, delegate)?;
    let stream = manifests.streams().get(values.file);
    let mut edits = Edits::new(manifests.streams());
    let file = values.file;
    let at = |key: &str| values.path.clone().key(key);
    let parts = Parts::of(text(values.node, "initScript").unwrap_or_default());
    let record = Record::of(parts.record());
    if parts.ours.is_some() {
        edits.set(file, &at("initScript"), parts.user())?;
    }
    for key in ["custom_init_containers", "custom_mounts", "custom_volumes"] {
        take_out(&values, key, &mut edits)?;
    }
    let is_added = |item: &Node<'_>| record.has_variable(text(*item, "name").unwrap_or_default());
    if values.items("custom_envs").all(|item| is_added(&item)) {
        if values.items("custom_envs").next().is_some() {
            edits.remove(file, &at("custom_envs"))?;
        }
    } else {
        for name in record.variables() {
            edits.remove(file, &at("custom_envs").item_where("name", name))?;
        }
    }
    if let Some(threshold) = record.threshold() {
        let path = at("startupProbe").key("failureThreshold");
        edits.set(file, &path, Value::Scalar(Scalar::Int(threshold)))?;
    }
    annotations_out(stream, &values, &mut edits)?;
    edits.finish()
}

fn annotations_out(
    stream: Option<&Stream<'_>>,
    values: &Values<'_>,
    edits: &mut Edits<'_>,
) -> Result<(), Error> {
    let path = values.path.clone().key("serviceAccount");
    let Some(account) = values.node.get("serviceAccount") else {
        return Ok(());
    };
    let Some(annotations) = account.get("annotations") else {
        return Ok(());
    };
    let ours: Vec<_> = annotations
        .entries()
        .filter_map(|(key, _)| key.scalar())
        .filter(|key| is_role_annotation(key))
        .collect();
    if ours.is_empty() {
        return Ok(());
    }
    let written = stream.and_then(|stream| stream.text().get(annotations.span()));
    let is_flow = written.is_some_and(|text| text.starts_with('{'));
    let is_all = annotations.entries().count() == ours.len();
    if is_all && !is_flow {
        let is_alone = account.entries().count() == 1;
        let path = if is_alone {
            path
        } else {
            path.key("annotations")
        };
        edits.remove(values.file, &path)?;
    } else {
        for key in ours {
            edits.remove(values.file, &path.clone().key("annotations").key(key))?;
        }
    }
    Ok(())
}

/// Takes our item out of a list, and the list where nothing else is in it.
fn take_out(values: &Values<'_>, key: &str, edits: &mut Edits<'_>) -> Result<(), Error> {
    super::delivery::remove_item(values.file, values.node, &values.path, key, edits)
}
