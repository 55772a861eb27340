/*
 * A client in as few packets as Linux's TCP can: the request goes with the acknowledgment
 * of SYN-ACK, and FIN with the request. Arguments: IPv4 address, port, request.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void must(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

static void set(int connection, int option, int value) {
  must(setsockopt(connection, IPPROTO_TCP, option, &value, sizeof value), "setsockopt");
}

int main(int count, char **words) {
  struct sockaddr_in server = {.sin_family = AF_INET};
  char answer[65536];
  ssize_t length;
  int connection;

  if (count != 4) return 2;
  server.sin_port = htons(atoi(words[2]));
  must(inet_pton(AF_INET, words[1], &server.sin_addr) - 1, "inet_pton");
  connection = socket(AF_INET, SOCK_STREAM, 0);
  must(connection, "socket");
  set(connection, TCP_QUICKACK, 0);
  set(connection, TCP_CORK, 1);
  must(connect(connection, (struct sockaddr *)&server, sizeof server), "connect");
  must(write(connection, words[3], strlen(words[3])), "write");
  must(shutdown(connection, SHUT_WR), "shutdown");
  while ((length = read(connection, answer, sizeof answer)) > 0)
    if (write(STDOUT_FILENO, answer, length) != length) return 1;
  must(length, "read");
  return close(connection) != 0;
}
