# Generated from dbt by `python -m looker build`: refine it in refinements/, do not edit.

view: finding {
  label: "Finding"
  sql_table_name: @{SCHEMA}.klaviyo__finding ;;

  dimension: finding_key {
    primary_key: yes
    hidden: yes
    type: string
    sql: ${TABLE}.finding_key ;;
  }

  dimension: account_id {
    hidden: yes
    type: string
    label: "Account id"
    description: "The Klaviyo account."
    sql: ${TABLE}.account_id ;;
  }

  dimension: finding_id {
    hidden: yes
    type: string
    label: "Finding id"
    description: "The rule and the subject, as KLAVIYO_MUTED_FINDINGS takes them."
    sql: ${TABLE}.finding_id ;;
  }

  dimension: rule_id {
    hidden: yes
    type: string
    label: "Rule id"
    description: "The rule."
    sql: ${TABLE}.rule_id ;;
  }

  dimension: account_name {
    type: string
    label: "Account"
    description: "The company's name."
    sql: ${TABLE}.account_name ;;
  }

  dimension: suggestion {
    type: string
    label: "What to do"
    description: "What to do."
    sql: ${TABLE}.suggestion ;;
  }

  dimension: finding {
    type: string
    label: "Finding"
    description: "The fact in one sentence, with its figures."
    sql: ${TABLE}.finding ;;
  }

  dimension: reason {
    type: string
    label: "Why you see this"
    description: "When the rule speaks, with its limits."
    sql: ${TABLE}.reason ;;
  }

  dimension: tone {
    type: string
    label: "Kind of finding"
    description: "problem, chance or notice."
    sql: ${TABLE}.tone ;;
    html: {% case value %}{% when 'problem' %}Problem{% when 'chance' %}Opportunity{% when 'notice' %}Notice{% else %}{{ rendered_value }}{% endcase %} ;;
    order_by_field: tone_order
  }

  dimension: subject {
    type: string
    label: "Subject"
    description: "Name of what the finding is about: a campaign, a flow, a mailbox provider, a list."
    sql: ${TABLE}.subject ;;
  }

  dimension: campaign_name {
    type: string
    label: "Campaign"
    description: "Name of the campaign, if the finding is about one."
    sql: ${TABLE}.campaign_name ;;
  }

  dimension: flow_name {
    type: string
    label: "Flow"
    description: "Name of the flow, if the finding is about one or its messages."
    sql: ${TABLE}.flow_name ;;
  }

  dimension: page {
    type: string
    label: "Page"
    description: "The page of the dashboard that shows the subject."
    sql: ${TABLE}.page ;;
  }

  dimension: sample_unit {
    type: string
    label: "Sample of"
    description: "What sample_size counts."
    sql: ${TABLE}.sample_unit ;;
  }

  dimension: finding_rank {
    type: number
    label: "Rank of the finding"
    description: "The order in which findings are shown: the first of every rule, then the second of every rule."
    value_format_name: decimal_0
    sql: ${TABLE}.finding_rank ;;
  }

  dimension: tone_order {
    hidden: yes
    type: number
    sql: CASE ${TABLE}.tone WHEN 'problem' THEN 1 WHEN 'chance' THEN 2 WHEN 'notice' THEN 3 END ;;
  }

  dimension_group: date {
    type: time
    datatype: date
    convert_tz: no
    timeframes: [
      date,
      week,
      month,
      quarter,
      year,
      day_of_week,
      week_of_year,
      month_name,
    ]
    label: "Date of the finding"
    description: "The day of the send, or the last day of the figure, account time zone."
    sql: ${TABLE}.date ;;
  }

  measure: finding_sample_size {
    type: sum
    group_label: "Sums"
    label: "Sample size of the finding"
    description: "The number that the figure of the finding is of."
    value_format_name: decimal_0
    drill_fields: [detail*, finding_sample_size]
    sql: ${TABLE}.sample_size ;;
  }

  set: detail {
    fields: [
      date_date,
      account_name,
      suggestion,
      finding,
      reason,
      tone,
      subject,
      campaign_name,
      flow_name,
      page,
      sample_unit,
    ]
  }
}
