# The static binary and nothing else. Build the binary first: .ci/release
#
#   docker build -t ocrch .            (on another processor: --build-arg ARCH=aarch64)
#   mkdir data && sudo chown 65532:65532 data
#   docker run --rm -v "$PWD/data:/data" ocrch init -c /data/ocrch.toml
#   docker run -d --name ocrch --restart unless-stopped -p 127.0.0.1:8080:8080 -v "$PWD/data:/data" ocrch
FROM scratch
ARG ARCH=x86_64
COPY target/dist/ocrch-linux-${ARCH} /ocrch
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/ocrch"]
CMD ["serve", "-c", "/data/ocrch.toml", "--listen", "0.0.0.0:8080"]
