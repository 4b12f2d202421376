"""The resource types of Klaviyo's API, one declaration each.

``declaration`` defines what a declaration holds: attributes, relationships, endpoints and the
function that builds the resources from the company. Every other module declares some types;
``registry`` collects them and all endpoints.
"""
