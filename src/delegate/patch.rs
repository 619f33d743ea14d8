//! What is changed in a manifest, and the texts with exactly that.

use super::access::{self, Irsa};
use super::init_script::{BinaryUrl, Pin, Wishes};
use super::names::NamespaceName;
use super::passed_over::passed_over;
use super::prefix::Prefix;
use super::record::Record;
use super::values::{self, Values};
use super::{Error, Manifests, Object, Workload, delivery, remove};
use crate::arn::Region;
use crate::yaml::{self, Editor, Invalid, Path, Scalar, Stream, Value};

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The delegate, by the name of its workload or by its DELEGATE_NAME; none for the only one.
    pub delegate: Option<String>,
    /// The namespace of the delegate, where the manifest leaves it to kubectl.
    pub namespace: Option<NamespaceName>,
    /// IRSA.
    pub irsa: Option<Irsa>,
    /// How the program comes into the pod; none to leave INIT_SCRIPT alone.
    pub delivery: Option<Delivery>,
    /// What `bootstrap init` is told.
    pub wishes: Wishes,
    /// What becomes of a script that is there.
    pub init_script: ScriptPolicy,
    /// Where the tools go; none for where BOOTSTRAP_PREFIX has them, or else for `bootstrap` in the
    /// delegate's working directory.
    pub prefix: Option<Prefix>,
    /// The region, for the variables of the delegate.
    pub region: Option<Region>,
    /// Whether the pods run on Fargate, which has no instance metadata.
    pub fargate: bool,
    /// What the startup probe should wait for at least, in seconds.
    pub startup_budget: Option<i64>,
}

/// How the program comes into the pod.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// INIT_SCRIPT downloads it.
    Script {
        /// From here.
        url: BinaryUrl,
        /// With these digests.
        pins: Vec<Pin>,
    },
    /// An init container has it, and runs it into the volume.
    InitContainer {
        /// The image, with `bootstrap` on its PATH.
        image: String,
    },
    /// The delegate's image has it.
    Image,
}

/// What becomes of a script of the user's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScriptPolicy {
    /// It is kept, behind ours.
    #[default]
    Merge,
    /// It makes room for ours.
    Replace,
    /// It is kept as it is, and ours is not written.
    Keep,
}

/// What came of it.
#[derive(Debug)]
pub struct Patched {
    /// The new text of each file, in the order of the files.
    pub texts: Vec<String>,
    /// What whoever applies it should know, in sentences without a final period.
    pub notes: Vec<String>,
}

/// Changes one delegate in a set of files.
///
/// Where it runs as another account by an earlier patch, that is taken back first.
pub fn patch(streams: &[Stream<'_>], plan: &Plan) -> Result<Patched, Error> {
    let Some(back) = remove::former_account(streams, plan)? else {
        return change(streams, plan);
    };
    let pairs = streams.iter().zip(&back.texts);
    let again = pairs.map(|(stream, text)| Stream::parse(stream.file(), text));
    let again: Vec<_> = again
        .collect::<Result<_, _>>()
        .map_err(|invalid| Error::Place(Box::new(invalid)))?;
    let mut patched = change(&again, plan).map_err(|error| in_lines_of(streams, &again, error))?;
    patched.notes.splice(0..0, back.notes);
    Ok(patched)
}

/// An error about texts that nobody has seen, with the place in those that were read.
fn in_lines_of(seen: &[Stream<'_>], unseen: &[Stream<'_>], error: Error) -> Error {
    let moved = |invalid: Invalid| {
        let mut pairs = seen.iter().zip(unseen);
        match pairs.find(|(stream, _)| stream.file() == invalid.at().file) {
            Some((seen, unseen)) => invalid.moved(unseen.text(), seen.text()),
            None => invalid,
        }
    };
    match error {
        Error::Place(invalid) => Error::Place(Box::new(moved(*invalid))),
        Error::Yaml(yaml::Error::Refused(invalid)) => {
            Error::Yaml(yaml::Error::Refused(Box::new(moved(*invalid))))
        }
        error => error,
    }
}

fn change(streams: &[Stream<'_>], plan: &Plan) -> Result<Patched, Error> {
    let manifests = Manifests::new(streams);
    let values = Values::all(&manifests);
    plan.check_partition()?;
    if Workload::all(&manifests).is_empty() && !values.is_empty() {
        return values::patch(&manifests, &values, plan);
    }
    let workload = Workload::choose(&manifests, plan.delegate.as_deref())?;
    plan.check_region_of(&workload)?;
    if plan.fargate && workload.object.kind == "DaemonSet" {
        return Err(Error::Conflict {
            message: format!("DaemonSet `{}` cannot run on Fargate", workload.object.name),
            hint: "leave --fargate out",
        });
    }
    let given = plan.namespace.as_ref().map(NamespaceName::as_str);
    if let (Some(given), Some(written)) = (given, workload.object.namespace)
        && given != written
    {
        return Err(Error::Conflict {
            message: format!(
                "{} `{}` is in namespace `{written}`, not in `{given}`",
                workload.object.kind, workload.object.name
            ),
            hint: "leave --namespace out",
        });
    }
    let namespace = workload.object.namespace.or(given);
    let mut edits = Edits::new(streams);
    for note in passed_over(streams, &values) {
        edits.note(note);
    }
    let annotations = workload.annotations();
    let mut record = Record::among(&manifests, workload.object.file, annotations)?;
    if let Some(irsa) = &plan.irsa {
        access::apply(
            &manifests,
            &workload,
            namespace,
            irsa,
            &mut record,
            &mut edits,
        )?;
    }
    delivery::apply(&manifests, &workload, plan, &mut record, &mut edits)?;
    let path = workload.annotations_path();
    record.write(workload.object.file, &path, annotations, &mut edits)?;
    edits.finish()
}

impl Plan {
    /// Refuses the same of the region that the manifest has, unless another one takes its place.
    fn check_region_of(&self, workload: &Workload<'_>) -> Result<(), Error> {
        let Some(irsa) = self.irsa.as_ref().filter(|_| self.region.is_none()) else {
            return Ok(());
        };
        let role = irsa.role.partition;
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            let text = workload.variable(name).unwrap_or_default();
            let region = text.parse::<Region>().ok();
            if let Some(region) = region.filter(|region| region.partition() != role) {
                return Err(Error::Conflict {
                    message: format!(
                        "the role is in partition `{role}`, and {name} of the delegate, {region}, in `{}`",
                        region.partition()
                    ),
                    hint: "use a role of that partition, or name the region with --region",
                });
            }
        }
        Ok(())
    }

    /// Refuses a role that the STS of the region does not know, or whose sessions the cluster does not.
    fn check_partition(&self) -> Result<(), Error> {
        let Some(irsa) = &self.irsa else {
            return Ok(());
        };
        let role = irsa.role.partition;
        let region = self.region.as_ref();
        let region = region.map(|region| (format!("region {region}"), region.partition()));
        let clusters = self.wishes.clusters.iter();
        let clusters =
            clusters.filter_map(|one| Some((format!("cluster `{}`", one.name), one.partition()?)));
        let mut all = region.into_iter().chain(clusters);
        match all.find(|(_, partition)| *partition != role) {
            None => Ok(()),
            Some((what, partition)) => Err(Error::Conflict {
                message: format!("the role is in partition `{role}`, and {what} in `{partition}`"),
                hint: "use a role of that partition",
            }),
        }
    }
}

/// The changes so far.
#[derive(Debug)]
pub(super) struct Edits<'s> {
    editors: Vec<Editor<'s>>,
    /// Items that lists get once all else is done, since they move those behind them.
    insertions: Vec<(usize, Path, usize, Value)>,
    /// Items that lists lose then, for the same reason.
    removals: Vec<(usize, Path, usize)>,
    notes: Vec<String>,
}

impl<'s> Edits<'s> {
    pub(super) fn new(streams: &'s [Stream<'s>]) -> Self {
        Self {
            editors: streams.iter().map(Editor::new).collect(),
            insertions: Vec::new(),
            removals: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Tells whoever applies the manifest.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The editor of a file.
    pub(super) fn of(&mut self, file: usize) -> Option<&mut Editor<'s>> {
        self.editors.get_mut(file)
    }

    /// Makes a node be this value.
    pub(super) fn set(
        &mut self,
        file: usize,
        path: &Path,
        value: impl Into<Value>,
    ) -> Result<(), yaml::Error> {
        self.of(file)
            .map_or(Ok(()), |editor| editor.set(path, value))
    }

    /// Adds an item to a list.
    pub(super) fn append(
        &mut self,
        file: usize,
        path: &Path,
        value: Value,
    ) -> Result<(), yaml::Error> {
        self.of(file)
            .map_or(Ok(()), |editor| editor.append(path, value))
    }

    /// Takes an object out.
    pub(super) fn remove_object(&mut self, object: &Object<'_>) -> Result<(), yaml::Error> {
        if let Some((items, index)) = &object.list {
            self.removals.push((object.file, items.clone(), *index));
            return Ok(());
        }
        self.of(object.file)
            .map_or(Ok(()), |editor| editor.remove_document(object.document))
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, file: usize, path: &Path) -> Result<bool, yaml::Error> {
        self.of(file)
            .map_or(Ok(false), |editor| editor.remove(path))
    }

    /// Gives a node back what it was: nothing, or this.
    pub(super) fn restore(
        &mut self,
        file: usize,
        path: &Path,
        was: Option<&Scalar>,
    ) -> Result<(), yaml::Error> {
        match was {
            Some(was) => self.set(file, path, was.clone()),
            None => self.remove(file, path).map(drop),
        }
    }

    /// Puts an item before the one with this index.
    pub(super) fn insert(
        &mut self,
        file: usize,
        path: &Path,
        index: usize,
        item: Value,
    ) -> Result<(), yaml::Error> {
        self.of(file)
            .map_or(Ok(()), |editor| editor.insert(path, index, item))
    }

    /// Puts an object before another one.
    pub(super) fn insert_before(&mut self, object: &Object<'_>, root: Value) -> Result<(), Error> {
        if let Some((items, index)) = &object.list {
            self.insertions
                .push((object.file, items.clone(), *index, root));
            return Ok(());
        }
        let editor = self.of(object.file);
        editor.map_or(Ok(()), |editor| {
            editor.insert_document(object.document, root)
        })?;
        Ok(())
    }

    /// The texts with the changes.
    pub(super) fn finish(mut self) -> Result<Patched, Error> {
        for (file, path, index, item) in std::mem::take(&mut self.insertions) {
            if let Some(editor) = self.of(file) {
                editor.insert(&path, index, item)?;
            }
        }
        // From the last one on, since each moves those behind it.
        let mut removals = std::mem::take(&mut self.removals);
        removals.sort_by_key(|(.., index)| std::cmp::Reverse(*index));
        for (file, items, index) in removals {
            self.remove(file, &items.item(index))?;
        }
        let texts = self.editors.into_iter().map(Editor::finish);
        Ok(Patched {
            texts: texts.collect::<Result<_, _>>()?,
            notes: self.notes,
        })
    }
}
