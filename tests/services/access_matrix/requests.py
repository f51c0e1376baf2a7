"""A request to any route about one planted child, made from the route's description and from what its fields are
called: enough of it is right that what refuses it is the scope, not the form."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from shared.kernel.clock import today
from tests.services.access_matrix.records import AGENCIES, Child

# In a path: the planted id; every other id there is somebody's who never was.
IN_PATH = {
    "student_id": "student", "alert_id": "alert", "entry_id": "entry", "document_id": "document",
    "entitlement_id": "entitlement",
}  # fmt: skip
# Fields that are filled in although they need not be: they say whom or where a request is about.
SAID = {
    "school_code",
    "school",
    "division_code",
    "division",
    "stage",
    "class_name",
    "absent",
    "students",
    "list",
    "phone",
}


def about(child: Child, name: str) -> Any:
    """What a field of this name says about the child, None for any other field."""
    stage, grade, classroom = child.classroom
    return {
        **dict.fromkeys(("student_id", "target_id"), str(child.student)),
        **dict.fromkeys(("school_code", "school", "destination_school_code"), child.school),
        **dict.fromkeys(("division_code", "division", "destination_division_code"), child.division),
        "stage": stage,
        "grade": grade,
        "class_name": classroom,
        "students": [str(child.student)],
        "list": AGENCIES[child.agency],
        "agency": child.agency,
        "target": "student",
        **dict.fromkeys(("preview_hash", "shown_hash", "report_hash"), "a" * 64),
        "purpose": "student_verification",
        "verdict": "must_link",
        "wanted": {"phone": "13800000000"},
        "phone": "13800000000",
        "sources": [child.school],
        "fields": ["name"],
        "name": "李新生",
        "school_year": today().year,
        "evidence": "P1",
        "reference": "P1",
    }.get(name)


class Description:
    """A service's OpenAPI, read."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    def body(self, method: str, path: str, child: Child) -> dict[str, Any] | None:
        """The JSON that a route takes, None when it takes none."""
        operation = self._told["paths"][f"/v1{path}"][method.lower()]
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return None if content is None else self._value("", content["schema"], child)

    def query(self, method: str, path: str, child: Child) -> dict[str, Any]:
        """The parameters a route needs."""
        operation = self._told["paths"][f"/v1{path}"][method.lower()]
        wanted = [each for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
        return {each["name"]: self._value(each["name"], each["schema"], child) for each in wanted}

    def _value(self, name: str, schema: dict[str, Any], child: Child) -> Any:
        schema = self._resolved(schema)
        known = about(child, name)
        if known is not None and not ("enum" in schema and known not in schema["enum"]):
            return known
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        match schema.get("type"):
            case "object":
                wanted = set(schema.get("required", ())) | (SAID & set(schema.get("properties", ())))
                if {"school_code", "division_code"} <= wanted - set(schema.get("required", ())):
                    wanted.remove("division_code")  # a part is told by one of them
                return {each: self._value(each, schema["properties"][each], child) for each in sorted(wanted)}
            case "array":
                return [self._value("student_id" if "uuid" in str(schema) else "", schema.get("items", {}), child)]
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
            case "string":
                return {"date": f"{today()}", "date-time": f"{today()}T00:00:00+08:00", "uuid": str(uuid4())}.get(
                    schema.get("format", ""), "说明" * 5
                )
        return None

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while True:
            if "$ref" in schema:
                schema = self._told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            elif several := schema.get("anyOf", schema.get("oneOf", schema.get("allOf"))):
                schema = next(each for each in several if each.get("type") != "null")
            else:
                return schema


def placed(path: str, child: Child, view: str = "roster") -> tuple[str, UUID | None]:
    """A path with its places filled in, and the planted id that stands in it."""
    planted = None
    for name, field in IN_PATH.items():
        if f"{{{name}}}" in path:
            planted = getattr(child, field)
            path = path.replace(f"{{{name}}}", str(planted))
    others = {"list_name": AGENCIES[child.agency], "school_code": child.school, "kind": "students", "view": view}
    others |= {"name": "paid_after_leaving", "token": "x"}
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        path = f"{before}{others.get(name, uuid4())}{after}"
    return path, planted
