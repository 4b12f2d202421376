# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

project_name: klaviyo
new_lookml_runtime: yes

constant: MODEL {
  value: "klaviyo"
  export: override_optional
}

constant: CONNECTION {
  value: "warehouse"
  export: override_required
}

constant: SCHEMA {
  value: "klaviyo"
  export: override_required
}
