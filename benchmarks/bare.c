/* A blocking recv loop that stamps and does nothing else: what any reader can be held against.
 *
 *     bare HOST PORT REQUEST COUNT >answers
 *
 * Sends the bytes of the file REQUEST so many times over one connection. For each answer standard
 * output gets, all as little-endian 64-bit integers, the time just before sending, the processor
 * time that it took in ns, and the number of reads; for each read its time and size; then all
 * bytes. Times are CLOCK_MONOTONIC in ns. An answer ends with its last chunk.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define MOST_READS (1 << 20)
#define MOST_BYTES (256u << 20)

static int64_t at(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fprintf(stderr, "usage: bare HOST PORT REQUEST COUNT\n");
        return 2;
    }
    static char request[65536];
    FILE *file = fopen(argv[3], "rb");
    if (!file) fail(argv[3]);
    size_t length = fread(request, 1, sizeof request, file);
    fclose(file);

    int64_t(*reads)[2] = malloc(sizeof(int64_t[2]) * MOST_READS);
    char *bytes = malloc(MOST_BYTES);
    if (!reads || !bytes) fail("malloc");
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
    if (inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) fail(argv[1]);
    int sock = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(sock, (struct sockaddr *)&server, sizeof server)) fail("connect");

    for (int left = atoi(argv[4]); left > 0; left--) {
        int64_t head[3] = {at(CLOCK_MONOTONIC), at(CLOCK_PROCESS_CPUTIME_ID), 0};
        size_t size = 0;
        if (send(sock, request, length, 0) != (ssize_t)length) fail("send");
        do {
            ssize_t got = recv(sock, bytes + size, MOST_BYTES - size, 0);
            int64_t now = at(CLOCK_MONOTONIC);
            if (got <= 0 || head[2] == MOST_READS) fail("recv");
            size += got;
            reads[head[2]][0] = now;
            reads[head[2]++][1] = got;
        } while (size < 5 || memcmp(bytes + size - 5, "0\r\n\r\n", 5));
        head[1] = at(CLOCK_PROCESS_CPUTIME_ID) - head[1];
        fwrite(head, sizeof head, 1, stdout);
        fwrite(reads, sizeof *reads, head[2], stdout);
        fwrite(bytes, 1, size, stdout);
    }
    return 0;
}
