//! The order of an installation: what was asked for, what that needs, optional tools last.

use crate::strict_yaml::Location;
use crate::tools::names::ToolName;
use crate::tools::resolve::{Error, Pins, Problem};
use crate::tools::wanted::Wanted;
use crate::tools::{Need, Release};

/// One step of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What is installed.
    pub release: Release,
    /// Whether its failure is a warning.
    pub optional: bool,
    /// The tool that needs it; none: it was asked for.
    pub needed_by: Option<ToolName>,
    at: Option<Location>,
}

/// Everything that `wanted` takes, each tool once: required before optional, and every tool after those
/// it needs. A needed tool that was not asked for comes in its locked or default version, and one that
/// was asked for as optional is required when a required tool needs it.
pub fn plan(pins: &Pins<'_>, wanted: &[Wanted]) -> Result<Vec<Planned>, Error> {
    let mut asked: Vec<Planned> = Vec::new();
    for wanted in wanted {
        let release = pins.resolve(wanted)?;
        match asked
            .iter_mut()
            .find(|planned| planned.release.tool == release.tool)
        {
            Some(first) if first.release.version == release.version => {
                first.optional &= wanted.optional;
            }
            Some(first) => {
                return Err(Error {
                    at: wanted.at.clone(),
                    problem: Box::new(Problem::Twice {
                        tool: release.tool,
                        first: first.release.version.clone(),
                        second: release.version,
                    }),
                });
            }
            None => asked.push(Planned {
                release,
                optional: wanted.optional,
                needed_by: None,
                at: wanted.at.clone(),
            }),
        }
    }
    let (optional, required): (Vec<_>, Vec<_>) =
        asked.iter().cloned().partition(|planned| planned.optional);
    let mut order = Order {
        pins,
        asked,
        done: Vec::new(),
        under_way: Vec::new(),
    };
    for planned in required.into_iter().chain(optional) {
        order.place(planned)?;
    }
    Ok(order.done)
}

/// The plan in the making.
struct Order<'a> {
    pins: &'a Pins<'a>,
    asked: Vec<Planned>,
    done: Vec<Planned>,
    /// The tools whose needs are being placed, for a lock may describe two that need each other.
    under_way: Vec<ToolName>,
}

impl Order<'_> {
    fn place(&mut self, planned: Planned) -> Result<(), Error> {
        let tool = planned.release.tool.clone();
        if self.placed(&tool).is_some() || self.under_way.contains(&tool) {
            return Ok(());
        }
        self.under_way.push(tool);
        for need in &planned.release.needs {
            let other = self.other(need, &planned)?;
            if other.release.version < need.at_least {
                return Err(Error {
                    at: planned.at,
                    problem: Box::new(Problem::TooOld {
                        tool: planned.release.tool,
                        version: planned.release.version,
                        need: need.clone(),
                        found: other.release.version,
                    }),
                });
            }
            self.place(other)?;
        }
        self.under_way.pop();
        self.done.push(planned);
        Ok(())
    }

    fn placed(&self, tool: &ToolName) -> Option<&Planned> {
        self.done
            .iter()
            .find(|planned| planned.release.tool == *tool)
    }

    /// The tool that satisfies `need`: placed already, asked for, or the one that is pinned.
    fn other(&self, need: &Need, planned: &Planned) -> Result<Planned, Error> {
        let asked = || {
            self.asked
                .iter()
                .find(|asked| asked.release.tool == need.tool)
        };
        if let Some(known) = self.placed(&need.tool).or_else(asked) {
            let mut known = known.clone();
            known.optional &= planned.optional;
            return Ok(known);
        }
        let wanted = Wanted {
            name: need.tool.clone(),
            version: None,
            optional: planned.optional,
            at: planned.at.clone(),
        };
        Ok(Planned {
            release: self.pins.resolve(&wanted)?,
            optional: planned.optional,
            needed_by: Some(planned.release.tool.clone()),
            at: planned.at.clone(),
        })
    }
}
