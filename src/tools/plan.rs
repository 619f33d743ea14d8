//! The order of an installation: what was asked for, what that needs, optional tools last.

use std::collections::BTreeMap;

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
    check_programs(&order.done)?;
    Ok(order.done)
}

/// Two tools with a program of one name would take it from each other at every start.
fn check_programs(planned: &[Planned]) -> Result<(), Error> {
    let mut owners = BTreeMap::new();
    for Planned { release, at, .. } in planned {
        for program in release.programs.keys() {
            if let Some(first) = owners.insert(program, &release.tool) {
                return Err(Error {
                    at: at.clone(),
                    problem: Box::new(Problem::SameProgram {
                        program: program.clone(),
                        first: first.clone(),
                        second: release.tool.clone(),
                    }),
                });
            }
        }
    }
    Ok(())
}

/// The plan in the making.
struct Order<'a> {
    pins: &'a Pins<'a>,
    asked: Vec<Planned>,
    done: Vec<Planned>,
    /// The tools whose needs are being placed, each needed by the one before: a lock may describe
    /// two that need each other.
    under_way: Vec<ToolName>,
}

impl Order<'_> {
    fn place(&mut self, planned: Planned) -> Result<(), Error> {
        let tool = planned.release.tool.clone();
        if self.placed(&tool).is_some() {
            return Ok(());
        }
        let circle = self.under_way.iter().skip_while(|known| **known != tool);
        let mut circle: Vec<&str> = circle.map(ToolName::as_str).collect();
        if !circle.is_empty() {
            circle.push(tool.as_str());
            let chain = circle.join(" needs ");
            return Err(Error {
                at: planned.at,
                problem: Box::new(Problem::Circle { chain }),
            });
        }
        self.under_way.push(tool);
        for need in &planned.release.needs {
            let other = self.other(need, &planned)?;
            if other.release.version < need.at_least {
                return Err(Error {
                    at: other.at,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;
    use crate::tools::catalog::Catalog;

    /// The plan for these, where a final `?` makes one optional; or the error.
    fn plan_of(wanted: &[&str]) -> Result<Vec<String>, String> {
        let catalog = Catalog::builtin().unwrap();
        let pins = Pins {
            catalog: &catalog,
            lock: None,
            locked: false,
            platform: Platform::ALL[0],
        };
        let wanted: Vec<Wanted> = wanted
            .iter()
            .map(|text| Wanted {
                optional: text.ends_with('?'),
                ..text.trim_end_matches('?').parse().unwrap()
            })
            .collect();
        let shown = |planned: &Planned| {
            let optional = if planned.optional { "?" } else { "" };
            let needed = planned
                .needed_by
                .as_ref()
                .map(|tool| format!(" for {tool}"));
            let release = &planned.release;
            format!(
                "{}@{}{optional}{}",
                release.tool,
                release.version,
                needed.unwrap_or_default()
            )
        };
        match plan(&pins, &wanted) {
            Ok(planned) => Ok(planned.iter().map(shown).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn check(wanted: &[&str], expected: &[&str]) {
        assert_eq!(plan_of(wanted).unwrap(), expected, "{wanted:?}");
    }

    #[test]
    fn what_a_tool_needs_comes_before_it() {
        check(
            &["serverless"],
            &["node@22.22.2 for serverless", "serverless@3.40.0"],
        );
        check(
            &["serverless", "node@20.20.2"],
            &["node@20.20.2", "serverless@3.40.0"],
        );
    }

    #[test]
    fn optional_tools_come_last_and_what_only_they_need_is_optional_too() {
        check(
            &["serverless?", "aws-cli"],
            &[
                "aws-cli@2.36.7",
                "node@22.22.2? for serverless",
                "serverless@3.40.0?",
            ],
        );
    }

    #[test]
    fn a_tool_that_a_required_one_needs_is_required() {
        check(
            &["node?", "serverless"],
            &["node@22.22.2", "serverless@3.40.0"],
        );
        check(
            &["serverless?", "node"],
            &["node@22.22.2", "serverless@3.40.0?"],
        );
        check(&["node?", "node"], &["node@22.22.2"]);
    }

    #[test]
    fn a_needed_tool_that_is_too_old_is_refused_with_the_reason() {
        let error = plan_of(&["node@12.22.12", "serverless@2.50.0"]).unwrap_err();
        assert_eq!(
            error,
            "serverless 2.50.0 needs node 14 or newer, and this would install 12.22.12"
        );
        let error = plan_of(&["serverless", "node@14.21.0"]).unwrap_err();
        assert_eq!(
            error,
            "serverless 3.40.0 needs node 16 or newer, and this would install 14.21.0"
        );
        check(
            &["serverless@2.50.0", "node@14.21.0"],
            &["node@14.21.0", "serverless@2.50.0"],
        );
    }

    #[test]
    fn one_tool_in_two_versions_is_refused() {
        let error = plan_of(&["node", "node@20.20.2"]).unwrap_err();
        assert_eq!(error, "node was asked for twice, as 22.22.2 and as 20.20.2");
        check(&["node", "node@22.22.2"], &["node@22.22.2"]);
    }
}
