# Written by hand: `python -m looker build` never touches this folder. Add your own fields here.

view: +message_performance {
  dimension: subject_line_length {
    type: number
    label: "Length of the subject line"
    description: "Characters of the subject line."
    sql: LENGTH(${subject_line}) ;;
  }
}
