# The sitecast program, static, as an unprivileged user, with nothing else in the image.
#
#   docker build -t sitecast --build-arg VERSION=1.0 .
#   docker run -v sitecast:/data -p 8443:8443 -p 3478:3478/udp -p 3478:3478/tcp sitecast \
#     server --data /data --listen 0.0.0.0:8443 --public-url https://sitecast.example:8443

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=development
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /sitecast . \
 && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/local/go/lib/time/zoneinfo.zip /zoneinfo.zip
COPY --from=build --chown=65532:65532 /data /data
COPY --from=build /sitecast /sitecast
ENV ZONEINFO=/zoneinfo.zip
USER 65532:65532
VOLUME /data
EXPOSE 8443/tcp 3478/udp 3478/tcp
ENTRYPOINT ["/sitecast"]
