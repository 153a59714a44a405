//! What a call must meet for a policy to count it: a small tree of comparisons.

use foldgate_proto::DefinitionKind;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::definition::grammar::UUID;
use crate::definition::lookup::Lookup;
use crate::definition::tagged::forms;
use crate::definition::{Fault, regexes};

/// How deep groups stand in groups.
pub const MAX_DEPTH: usize = 3;

/// The most comparisons of one policy.
pub const MAX_LEAVES: usize = 16;

/// The most values that one comparison holds.
pub const MAX_VALUES: usize = 64;

/// One comparison, or a group of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "needs dimension, operator and value, or logic and children, and nothing else"
)]
#[schemars(rename = "ConditionNode")]
pub enum Node {
    /// A comparison.
    Leaf(Condition),
    /// A group.
    Group(ConditionGroup),
}

forms!(Node: Leaf, Group);

/// A comparison. Which operators there are depends on what is compared: ids are
/// equal or not; names may match an expression besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
#[schemars(rename = "PolicyCondition", extend("anyOf" = forms()))]
pub struct Condition {
    /// What of a call is compared.
    pub dimension: Dimension,
    /// How.
    pub operator: Operator,
    /// Whether it must not be so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negate: bool,
    /// With what: a text, or a list of them for `in`.
    pub value: Operand,
}

/// A group of comparisons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ConditionGroup {
    /// Whether all must hold, or any.
    pub logic: Logic,
    /// Whether it must not be so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negate: bool,
    /// The comparisons and groups in it.
    #[garde(length(min = 1, max = 16), dive)]
    pub children: Vec<Node>,
}

/// See [`ConditionGroup::logic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ConditionLogic")]
pub enum Logic {
    /// All.
    And,
    /// Any.
    Or,
}

/// See [`Condition::dimension`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PolicyDimension")]
pub enum Dimension {
    /// The account, by its id.
    Team,
    /// The member.
    Member,
    /// The caller key, by its id.
    ApiKey,
    /// The Model, by its id.
    Model,
    /// The model's name.
    ModelName,
    /// The provider's name.
    Provider,
}

/// See [`Condition::operator`]. The public contract reserves more (`has`, `>`, `>=`,
/// `<`, `<=`, `ipmatch`), which nothing that is compared today takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ConditionOperator")]
pub enum Operator {
    /// It is the value.
    #[serde(rename = "==")]
    Equal,
    /// It is not the value.
    #[serde(rename = "~=")]
    Unequal,
    /// It matches the expression.
    #[serde(rename = "~~")]
    Matches,
    /// It matches the expression, whatever its case.
    #[serde(rename = "~*")]
    MatchesAnyCase,
    /// It is one of the values.
    #[serde(rename = "in")]
    In,
}

/// See [`Condition::value`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "needs a text, or a list of texts")]
#[schemars(rename = "ConditionValue")]
pub enum Operand {
    /// A text.
    One(#[schemars(length(min = 1, max = 256))] String),
    /// A list of them.
    Many(
        #[schemars(length(min = 1, max = MAX_VALUES), inner(length(min = 1, max = 255)))]
        Vec<String>,
    ),
}

const IDS: [&str; 4] = ["team", "member", "api_key", "model"];

/// Whose ids must be there.
const FOUND: [&str; 3] = ["team", "api_key", "model"];

/// What goes with what, for the schema; [`check`] says the same.
fn forms() -> Value {
    let id = json!({ "type": "string", "pattern": UUID });
    let text = |most: usize| json!({ "type": "string", "minLength": 1, "maxLength": most });
    json!([
        { "properties": {
            "operator": { "enum": ["==", "~="] },
            "dimension": { "enum": FOUND },
            "value": id,
        } },
        { "properties": {
            "operator": { "enum": ["==", "~="] },
            "dimension": { "not": { "enum": FOUND } },
            "value": text(255),
        } },
        { "properties": {
            "operator": { "const": "in" },
            "dimension": { "enum": FOUND },
            "value": { "type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": id },
        } },
        { "properties": {
            "operator": { "const": "in" },
            "dimension": { "not": { "enum": FOUND } },
            "value": { "type": "array", "minItems": 1, "maxItems": MAX_VALUES, "items": text(255) },
        } },
        { "properties": {
            "operator": { "enum": ["~~", "~*"] },
            "dimension": { "not": { "enum": IDS } },
            "value": text(256),
        } },
    ])
}

impl Dimension {
    /// Whether it is an id, not a name.
    const fn is_id(self) -> bool {
        matches!(self, Self::Team | Self::Member | Self::ApiKey | Self::Model)
    }
}

impl Operator {
    const fn is_regex(self) -> bool {
        matches!(self, Self::Matches | Self::MatchesAnyCase)
    }
}

/// The comparisons below some nodes, each with where it stands.
fn leaves<'n>(
    nodes: &'n [Node],
    path: &str,
    depth: usize,
    found: &mut Vec<(String, &'n Condition)>,
) -> Result<(), Fault> {
    for (index, node) in nodes.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match node {
            _ if depth > MAX_DEPTH => {
                let problem = format!("stands more than {MAX_DEPTH} deep");
                return Err(Fault::at(path, problem));
            }
            Node::Leaf(leaf) => found.push((path, leaf)),
            Node::Group(group) => {
                leaves(
                    &group.children,
                    &format!("{path}.children"),
                    depth + 1,
                    found,
                )?;
            }
        }
    }
    Ok(())
}

pub(super) fn check(nodes: &[Node]) -> Result<(), Fault> {
    let mut all = Vec::new();
    leaves(nodes, "conditions", 1, &mut all)?;
    if all.len() > MAX_LEAVES {
        let problem = format!("there may be {MAX_LEAVES} comparisons, not {}", all.len());
        return Err(Fault::at("conditions", problem));
    }
    for (path, leaf) in &all {
        if leaf.operator.is_regex() && leaf.dimension.is_id() {
            let problem = "ids are compared by ==, ~= and in alone";
            return Err(Fault::at(format!("{path}.operator"), problem));
        }
        check_value(leaf).map_err(|problem| Fault::at(format!("{path}.value"), problem))?;
    }
    let expressions = all.iter().filter(|(_, leaf)| leaf.operator.is_regex());
    regexes::check(expressions.filter_map(|(path, leaf)| match &leaf.value {
        Operand::One(text) => Some((format!("{path}.value"), text.as_str())),
        Operand::Many(_) => None,
    }))
}

fn check_value(leaf: &Condition) -> Result<(), String> {
    let values = match (&leaf.value, leaf.operator) {
        (Operand::Many(values), Operator::In) => values.as_slice(),
        (Operand::One(value), operator) if operator != Operator::In => std::slice::from_ref(value),
        (Operand::One(_), _) => return Err("in needs a list".to_owned()),
        (Operand::Many(_), _) => return Err("goes with in; others need a text".to_owned()),
    };
    if values.is_empty() || values.len() > MAX_VALUES {
        return Err(format!("needs 1 to {MAX_VALUES} values"));
    }
    let most = if leaf.operator.is_regex() { 256 } else { 255 };
    let fits = |value: &String| !value.is_empty() && value.chars().nth(most).is_none();
    if values.iter().all(fits) {
        return Ok(());
    }
    Err(format!("a text has 1 to {most} characters"))
}

/// What comparisons speak of by ids must be there; a `member` is no resource.
pub(super) fn refer(nodes: &[Node], lookup: &mut Lookup<'_>) -> Result<(), Fault> {
    let mut all = Vec::new();
    leaves(nodes, "conditions", 1, &mut all)?;
    for (path, leaf) in all {
        if !matches!(
            leaf.dimension,
            Dimension::Team | Dimension::ApiKey | Dimension::Model
        ) {
            continue;
        }
        let path = format!("{path}.value");
        let values = match &leaf.value {
            Operand::One(value) => std::slice::from_ref(value),
            Operand::Many(values) => values.as_slice(),
        };
        for value in values {
            let id = Uuid::parse_str(value);
            let id = id.map_err(|_| Fault::at(&path, format!("{value:?} is no id")))?;
            match leaf.dimension {
                Dimension::Team => lookup.account(&path, id),
                Dimension::ApiKey => lookup.caller_key(&path, id),
                _ => lookup.definition(&path, DefinitionKind::Model, id)?,
            }
        }
    }
    Ok(())
}
