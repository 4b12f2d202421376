# An image for your own scheduler: dbt, the dashboard, the export and the digest. Fivetran runs the
# connector, so the image does not contain the SDK, whose core may not be redistributed.
#     docker build --target pipeline --tag klaviyo-warehouse .
#     docker run --env-file .env klaviyo-warehouse scripts.pipeline --target bigquery
FROM python:3.11-slim AS pipeline

RUN useradd --uid 1000 --create-home app
WORKDIR /app
COPY requirements/scripts.txt requirements/clouds.txt requirements/warehouse.txt requirements/
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/scripts.txt \
        -r requirements/clouds.txt \
    && python -m venv .venv-dbt \
    && .venv-dbt/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/warehouse.txt
COPY dbt_project dbt_project
COPY klaviyo_connector klaviyo_connector
COPY looker looker
COPY scripts scripts
RUN mkdir build data && chown -R 1000 build data dbt_project
USER 1000
ENTRYPOINT [".venv/bin/python", "-m"]
CMD ["scripts.pipeline", "--help"]

# For docker-compose.yml on your own machine. Do not publish this image: it contains the SDK.
FROM pipeline AS demo

USER 0
COPY requirements/run.txt requirements/
RUN .venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/run.txt
COPY klaviyo_sandbox klaviyo_sandbox
USER 1000
CMD ["scripts.demo"]
