"""What the company's marketers made: everything in the account but its people and their events.

Read ``words`` (what is said) and ``plan`` (what is set up and when it is sent), plain tables both;
then ``model`` (the company as dataclasses), ``build``, ``campaigns`` and ``flows`` (which turn
tables into a company, with ids from ``draw``); last ``resources``, ``campaign_resources`` and
``flow_resources`` (the company as Klaviyo's API shows it at a moment). Knows no other room.
"""
