# Written by hand: `python -m looker build` never touches this folder. Add your own fields here.

view: +message_performance {
  dimension: sent_weekday_name {
    type: string
    label: "Send weekday name"
    description: "Weekday of the send, Monday first."
    order_by_field: sent_weekday
    sql: CASE ${sent_weekday}
      WHEN 1 THEN 'Monday' WHEN 2 THEN 'Tuesday' WHEN 3 THEN 'Wednesday' WHEN 4 THEN 'Thursday'
      WHEN 5 THEN 'Friday' WHEN 6 THEN 'Saturday' WHEN 7 THEN 'Sunday' END ;;
  }
}
