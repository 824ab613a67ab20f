# The notifications service with a MongoDB of its own; see docs/containers.md.
ARG BASE=docker.io/library/python:3.11.15-slim-bookworm

FROM ${BASE} AS build
# With `telemetry` there is what exports traces, too (docs/monitoring.md#traces).
ARG REQUIREMENTS=service
# Of Swagger UI only what the API page loads.
# Without pip and setuptools: nothing is ever installed in a container that runs.
COPY requirements/service.txt requirements/telemetry.txt /
RUN python3 -m venv /packages \
    && /packages/bin/pip install --no-cache-dir --requirement /service.txt \
        --requirement "/$REQUIREMENTS.txt" \
    && find /packages -path "*/swagger_ui_bundle/vendor/*" -type f ! -name swagger-ui.css \
        ! -name swagger-ui-bundle.js ! -name favicon-32x32.png -delete \
    && /packages/bin/pip uninstall --yes pip setuptools
COPY gunicorn.conf.py /eventpost/
COPY microservice_chassis /eventpost/microservice_chassis
COPY notifications_microservice /eventpost/notifications_microservice
RUN chmod -R a+rX /eventpost \
    && python3 -m compileall -q /eventpost/*_* \
    && mkdir -m 700 /data

FROM ${BASE}
# The library that mongod needs and the base does not have.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libcurl4 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /packages /packages
COPY --from=build --chown=10001:10001 /data /data
COPY --from=build /eventpost /eventpost
WORKDIR /eventpost
ENV PATH=/packages/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 DATA_DIR=/data
# A number needs no entry in /etc/passwd, and lets an orchestrator see that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "microservice_chassis.process.health_check"]
CMD ["python", "-m", "notifications_microservice"]
