# syntax=docker/dockerfile:1
# The shop for a PostgreSQL of yours (SHOP_DATABASE_URL): without the embedded one, without tools.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/shop
COPY requirements-server.txt ./
RUN /opt/shop/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-server.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/shop/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/shop/bin/python -m pip uninstall --yes setuptools pip \
 && /opt/shop/bin/shop version

FROM python:3.13-slim AS server
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin shop \
 && install -d -o shop -g shop -m 0750 /var/lib/shop/media  # a new volume there is theirs
COPY --from=build /opt/shop /opt/shop
ENV PATH=/opt/shop/bin:$PATH PYTHONUNBUFFERED=1 SHOP_HOST=0.0.0.0 SHOP_PORT=8000 SHOP_HEALTH_PORT=8001
# Fargate makes the volume of its task there, for the read-only root: without this line it is root's alone, and no server starts.
VOLUME /tmp
USER 10001
WORKDIR /tmp
EXPOSE 8000
# Whether the process answers, on a port that is not published: no flood of clients' connections keeps it out. Whether it should get requests is /health/ready, which is for the load balancer: a restart would not bring a database back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['SHOP_HEALTH_PORT']}/health/live\", timeout=4)"]
CMD ["shop", "serve"]
