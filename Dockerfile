# CloudMart's backend as an image. Targets: service (the default), dev and lambda.
#
#   docker build --build-arg VERSION=1.4.0 --build-arg COMMIT="$(git rev-parse HEAD)" --tag cloudmart .
#
# The container writes to /tmp only, so its root may be read-only.

# checkov:skip=CKV_DOCKER_7: the base names its version, but checkov does not look into an argument.
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim-trixie

# --- What is built -------------------------------------------------------------------------------

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/cloudmart
COPY requirements requirements

FROM build AS code
RUN python -m venv --without-pip /opt/hatch \
  && python -m pip --python /opt/hatch install --no-deps --require-hashes -r requirements/build.txt
COPY LICENSE README.md pyproject.toml ./
COPY k8s/iam k8s/iam
COPY cloudmart cloudmart
# In a separate root, so that it becomes a layer of its own above the packages.
RUN /opt/hatch/bin/python -m hatchling build --target wheel \
  && python -m pip --python /opt/cloudmart install --no-deps --no-index --root /code dist/*.whl

FROM build AS service-packages
RUN python -m pip --python /opt/cloudmart install --no-deps --require-hashes -r requirements/runtime.txt

FROM build AS dev-packages
RUN python -m pip --python /opt/cloudmart install --no-deps --require-hashes -r requirements/local.txt

FROM build AS lambda-packages
RUN python -m pip --python /opt/cloudmart install --no-deps --require-hashes --only-binary :all: -r requirements/lambda-image.txt

# --- What is run ---------------------------------------------------------------------------------

# The base has the certificates that the SDKs trust. Its pip is no longer needed.
FROM ${PYTHON_IMAGE} AS run
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/pip* \
  && groupadd --gid 1001 cloudmart \
  && useradd --uid 1001 --gid 1001 --home-dir /nonexistent --no-create-home cloudmart
ENV PATH=/opt/cloudmart/bin:${PATH} PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Where local mode looks for .env.
WORKDIR /srv
USER 1001:1001
LABEL org.opencontainers.image.title="CloudMart's backend" \
  org.opencontainers.image.description="The API of an online shop: products, orders, tickets, assistants." \
  org.opencontainers.image.licenses="MIT"

# In each target our own code is the last layer: it changes with every release, the rest does not.
FROM run AS dev
COPY --from=dev-packages /opt/cloudmart /opt/cloudmart
COPY --from=code /code /
ARG VERSION
ARG COMMIT
ENV CLOUDMART_VERSION=${VERSION} CLOUDMART_COMMIT=${COMMIT}
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${COMMIT}"
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-m", "cloudmart.health.ping"]
ENTRYPOINT ["cloudmart"]
CMD ["dev", "--host", "0.0.0.0,::"]

# The pipeline's function as an image for AWS Lambda, which uses no health check.
FROM run AS lambda
COPY --from=lambda-packages /opt/cloudmart /opt/cloudmart
COPY --from=code /code /
ARG VERSION
ARG COMMIT
ENV CLOUDMART_VERSION=${VERSION} CLOUDMART_COMMIT=${COMMIT}
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${COMMIT}"
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["cloudmart.pipeline.handler.handler"]

FROM run AS service
COPY --from=service-packages /opt/cloudmart /opt/cloudmart
COPY --from=code /code /
ARG VERSION
ARG COMMIT
ENV CLOUDMART_VERSION=${VERSION} CLOUDMART_COMMIT=${COMMIT}
LABEL org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${COMMIT}"
EXPOSE 5000 9000
# Longer than a start may take (STARTUP_TIMEOUT).
HEALTHCHECK --interval=30s --timeout=5s --start-period=130s CMD ["python", "-m", "cloudmart.health.ping"]
ENTRYPOINT ["cloudmart"]
CMD ["serve"]
