{#- Generated from looker/findings.yml and looker/dashboard.yml. Do not edit; run
    `.venv/bin/python -m scripts.generate_dbt`. -#}

{#- The rules of klaviyo__finding in order, by their id. -#}
{% macro finding_rules() -%}
    {{ return(
        {'flow_stopped': {'tone': 'problem',
                          'suggestion': 'Check the flow {subject}',
                          'finding': 'It has sent nothing for 7 days, after {comparison} '
                                     'messages in the 28 days before.',
                          'why': 'A flow that is not archived sent to at least 40 people on 14 '
                                 'or more of 28 days, and then to nobody for 7 days.',
                          'sample': 'messages',
                          'format': 'integer',
                          'page': 'flows',
                          'limits': {'days': 7,
                                     'usual_days': 28,
                                     'recipients': 40,
                                     'active_days': 14}},
         'spam_complaints': {'tone': 'problem',
                             'suggestion': 'Send less to people who do not engage',
                             'finding': '{figure} of {sample} emails were reported as spam in '
                                        'the last 30 days; mailbox providers ask for less than '
                                        '{comparison}.',
                             'why': 'Gmail and Yahoo ask senders to stay below 0.1% and never to '
                                    'reach 0.3%. Of at least 1,000 emails the share is above a '
                                    'limit even at the lower end of its interval.',
                             'sample': 'emails',
                             'format': 'percent_2',
                             'page': 'deliverability',
                             'limits': {'days': 30,
                                        'delivered': 1000,
                                        'share': 0.001,
                                        'high_share': 0.003}},
         'bounces': {'tone': 'problem',
                     'suggestion': 'Remove addresses that bounce',
                     'finding': '{figure} of {sample} emails bounced in the last 30 days; above '
                                '{comparison} mailbox providers begin to refuse mail.',
                     'why': 'Of at least 1,000 emails the bounced share is above 2% even at the '
                            'lower end of its interval.',
                     'sample': 'emails',
                     'format': 'percent_2',
                     'page': 'deliverability',
                     'limits': {'days': 30, 'recipients': 1000, 'share': 0.02}},
         'provider_delivery': {'tone': 'problem',
                               'suggestion': 'Find out why {subject} accepts less mail',
                               'finding': 'It accepted {figure} of {sample} emails in the last 7 '
                                          'days, after {comparison} in the 28 days before.',
                               'why': 'The share of emails that the mailbox provider accepted '
                                      'fell by at least one point, of at least 500 emails in '
                                      'each period, and by more than chance.',
                               'sample': 'emails',
                               'format': 'percent_1',
                               'page': 'deliverability',
                               'limits': {'days': 7,
                                          'usual_days': 28,
                                          'attempts': 500,
                                          'fall': 0.01,
                                          'z': 3}},
         'test_decided': {'tone': 'chance',
                          'suggestion': 'Keep {subject}',
                          'finding': '{figure} of its {sample} delivered messages were clicked, '
                                     'against {comparison} of the other versions.',
                          'why': 'An A/B test of the last 30 days, or of a flow that still '
                                 'sends, has a version with a higher click rate than the others '
                                 'together, by three standard errors or more.',
                          'sample': 'delivered',
                          'format': 'percent_2',
                          'page': 'subject_lines_and_a_b',
                          'limits': {'days': 30, 'sending_days': 7, 'z': 3}},
         'campaign_below': {'tone': 'problem',
                            'suggestion': 'Find out what {subject} lacked',
                            'finding': 'It earned {figure} per recipient; {comparison} is usual '
                                       'at its age.',
                            'why': 'A campaign of the last 21 days earned at least twice, or at '
                                   'most half, the median of 8 or more campaigns of its channel '
                                   'in the 180 days before it, and had more or fewer orders than '
                                   'chance explains. Before its results are final, all are '
                                   'compared at the age that it had at the end of yesterday.',
                            'sample': 'delivered',
                            'format': 'money',
                            'page': 'campaigns',
                            'limits': {'days': 21,
                                       'peer_days': 180,
                                       'peers': 8,
                                       'delivered': 500,
                                       'factor': 2,
                                       'z': 3}},
         'campaign_above': {'tone': 'chance',
                            'suggestion': 'Repeat what worked in {subject}',
                            'finding': 'It earned {figure} per recipient, {times} times the '
                                       '{comparison} that is usual at its age.',
                            'why': 'A campaign of the last 21 days earned at least twice, or at '
                                   'most half, the median of 8 or more campaigns of its channel '
                                   'in the 180 days before it, and had more or fewer orders than '
                                   'chance explains. Before its results are final, all are '
                                   'compared at the age that it had at the end of yesterday.',
                            'sample': 'delivered',
                            'format': 'money',
                            'page': 'campaigns',
                            'limits': {'days': 21,
                                       'peer_days': 180,
                                       'peers': 8,
                                       'delivered': 500,
                                       'factor': 2,
                                       'z': 3}},
         'flow_message_idle': {'tone': 'problem',
                               'suggestion': 'Change or remove {subject}',
                               'finding': '{sample} were delivered in 90 days without an order; '
                                          "at the rate of the flow's other messages about "
                                          '{comparison} were to be expected.',
                               'why': 'A flow message that still sends was delivered at least '
                                      '200 times in 90 days with final results, and had no order '
                                      "where the rate of the flow's other messages (or, without "
                                      "any, of the account's other flows) gives at least 5.",
                               'sample': 'delivered',
                               'format': 'integer',
                               'page': 'flows',
                               'limits': {'days': 90,
                                          'sending_days': 14,
                                          'delivered': 200,
                                          'orders': 5}},
         'flow_message_ahead': {'tone': 'chance',
                                'suggestion': 'Learn from {subject}',
                                'finding': 'It earns {figure} per recipient, {times} times the '
                                           "{comparison} of the flow's other messages.",
                                'why': 'A flow message with at least 20 orders in 90 days with '
                                       'final results earned at least twice as much per '
                                       "recipient as the flow's other messages on its channel, "
                                       'and had more orders than chance explains.',
                                'sample': 'delivered',
                                'format': 'money',
                                'page': 'flows',
                                'limits': {'days': 90,
                                           'sending_days': 14,
                                           'delivered': 200,
                                           'orders': 20,
                                           'factor': 2,
                                           'z': 3}},
         'audience_shrank': {'tone': 'problem',
                             'suggestion': 'Find out why {subject} loses people',
                             'finding': 'Net change of {figure} people in 28 days, after '
                                        '{comparison} in the 28 days before.',
                             'why': 'The people who joined less those who left in 28 days differ '
                                    'from those of the 28 days before by at least 50 and by more '
                                    'than chance, and a list by at least 5% of its people.',
                             'sample': 'joined or left',
                             'format': 'signed',
                             'page': 'audience',
                             'limits': {'days': 28, 'people': 50, 'share': 0.05, 'z': 3}},
         'audience_grew': {'tone': 'chance',
                           'suggestion': 'Welcome the new people of {subject}',
                           'finding': 'Net change of {figure} people in 28 days, after '
                                      '{comparison} in the 28 days before.',
                           'why': 'The people who joined less those who left in 28 days differ '
                                  'from those of the 28 days before by at least 50 and by more '
                                  'than chance, and a list by at least 5% of its people.',
                           'sample': 'joined or left',
                           'format': 'signed',
                           'page': 'audience',
                           'limits': {'days': 28, 'people': 50, 'share': 0.05, 'z': 3}},
         'sunset': {'tone': 'notice',
                    'suggestion': 'Ask people who never react, then stop sending to them',
                    'finding': '{figure} of the {sample} people who get your emails have not '
                               'opened, clicked or ordered for months.',
                    'why': 'A sunset candidate can receive email, got 10 or more emails '
                           '(KLAVIYO_SUNSET_EMAILS) in 180 days (KLAVIYO_SUNSET_DAYS) and did '
                           'not open, click or order; opens by machines do not count. Of at '
                           'least 200 people who got an email in 180 days they are more than 5%, '
                           'even at the lower end of the interval. Mailbox providers judge a '
                           'sender by those who react.',
                    'sample': 'people',
                    'format': 'percent_1',
                    'page': 'audience',
                    'limits': {'people': 200, 'share': 0.05}},
         'bot_clicks': {'tone': 'notice',
                        'suggestion': 'Judge emails by orders, not by clicks',
                        'finding': 'Machines made {figure} of {sample} clicks in the last 30 '
                                   'days.',
                        'why': 'Of at least 200 synced clicks Klaviyo classifies more than 20% '
                               "as a machine's, even at the lower end of the interval. Security "
                               'software clicks every link.',
                        'sample': 'clicks',
                        'format': 'percent_1',
                        'page': 'deliverability',
                        'limits': {'days': 30, 'clicks': 200, 'share': 0.2}},
         'test_open': {'tone': 'notice',
                       'suggestion': 'Let the test in {subject} run, or end it',
                       'finding': 'After {sample} delivered messages no version is ahead: click '
                                  'rates are from {comparison} to {figure}.',
                       'why': 'An A/B test of a flow that still sends has run for 28 days or '
                              "more, and no version's click rate differs from the others by more "
                              'than chance.',
                       'sample': 'delivered',
                       'format': 'percent_2',
                       'page': 'subject_lines_and_a_b',
                       'limits': {'days': 28, 'sending_days': 7}}}
    ) }}
{%- endmacro %}

{#- For how many days after a send its results grow. -#}
{% macro attribution_days() -%}
    {{ return(
        5
    ) }}
{%- endmacro %}
