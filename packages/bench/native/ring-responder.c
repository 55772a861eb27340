/*
 * A minimal web server on a packet ring: what a native program pays at least.
 *
 *   ring-responder INTERFACE ADDRESS DIRECTORY
 *
 * It answers ARP, SYN, GET for the files of DIRECTORY (read into memory once, with
 * their heads), and FIN, on TPACKET_V2 rings for both directions with
 * PACKET_VNET_HDR: up to 64 KB of a response are one frame, which the interface
 * cuts and sums. One system call transmits a batch of short frames; a long one goes
 * by a call of its own from where it lies, which copies it once instead of twice.
 *
 * What it leaves out, and a server may not: retransmission, congestion control,
 * timers, TIME-WAIT, more than one client address, pipelined requests and ones
 * in several segments, fragments, options but MSS and window scale, checks of
 * checksums, every header of the request but "Connection: close", and any limit.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
  ETHERNET = 14,
  IP = 20,
  TCP = 20,
  HEADERS = ETHERNET + IP + TCP,
  VNET = sizeof(struct virtio_net_hdr),
  MSS = 1460,
  /* Whole segments that fit an IPv4 packet. */
  PIECE = 44 * MSS,
  /* Bytes on their way to one client, whatever its window. */
  FLIGHT = 512 * 1024,
  DOCUMENTS = 64,
  RX_FRAME = 2048,
  RX_FRAMES = 4096,
  BLOCK = 1 << 16,
  TX_FRAME = 1 << 13,
  TX_FRAMES = 2048,
  /* Bytes of data that are worth a system call: copying them into the ring would cost more. */
  BULK = 4096,
  /* Where a frame begins in a slot for transmission: the header of the slot less its address. */
  TX_DATA = TPACKET2_HDRLEN - sizeof(struct sockaddr_ll),
  FIN = 1,
  SYN = 2,
  RST = 4,
  PUSH = 8,
  ACK = 16,
};

struct document {
  char name[64];
  size_t name_length;
  /* Head and body in one piece: kept alive, and closing. */
  uint8_t *whole[2];
  size_t length[2];
};

/* One for each port of the client. */
struct connection {
  uint32_t sent, acknowledged, received;
  uint32_t window;
  uint8_t shift, is_open, is_closing, is_finished;
  const uint8_t *at;
  size_t left;
};

static struct document documents[DOCUMENTS];
static int document_count;
static struct connection connections[65536];
static int fd, bulk;
static uint8_t own_hardware[6];
static uint32_t own_address;
static uint8_t *rx, *tx;
static unsigned rx_next, tx_next, tx_filled;
static uint16_t identifier;

static void die(const char *what) {
  fprintf(stderr, "ring-responder: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static void put16(uint8_t *p, uint16_t v) { p[0] = v >> 8, p[1] = v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16), put16(p + 2, v); }

static uint16_t folded(uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* Transmits what the slots hold. */
static void flush(void) {
  if (tx_filled == 0) return;
  tx_filled = 0;
  if (sendto(fd, NULL, 0, 0, NULL, 0) < 0 && errno != ENOBUFS && errno != EAGAIN) die("transmit");
}

static struct tpacket2_hdr *tx_slot(void) {
  struct tpacket2_hdr *slot = (void *)(tx + (size_t)tx_next * TX_FRAME);
  while (__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_AVAILABLE) {
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    tx_filled = 1;
    flush();
    if (__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) == TP_STATUS_WRONG_FORMAT) {
      errno = EINVAL;
      die("frame refused");
    }
    if (slot->tp_status != TP_STATUS_AVAILABLE) poll(&wait, 1, 1);
  }
  tx_next = (tx_next + 1) % TX_FRAMES;
  return slot;
}

static void queue(struct tpacket2_hdr *slot, size_t length) {
  slot->tp_len = VNET + length;
  __atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
  if (++tx_filled == TX_FRAMES / 2) flush();
}

/* Sends a frame whose data stays where it is. */
static void send_bulk(uint8_t *headers, const uint8_t *data, size_t length) {
  struct iovec parts[] = {{headers, VNET + HEADERS}, {(void *)data, length}};
  flush();
  while (writev(bulk, parts, 2) < 0)
    if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) die("transmit");
}

/* Sends one segment in answer to `heard`, whose addresses it turns round. */
static void segment(const uint8_t *heard, struct connection *c, int flags, const uint8_t *data, size_t length) {
  static _Alignas(struct virtio_net_hdr) uint8_t apart[VNET + HEADERS];
  struct tpacket2_hdr *slot = length > BULK ? NULL : tx_slot();
  struct virtio_net_hdr *vnet = slot == NULL ? (void *)apart : (void *)((uint8_t *)slot + TX_DATA);
  uint8_t *frame = (uint8_t *)(vnet + 1), *ip = frame + ETHERNET, *tcp = ip + IP;
  size_t options = flags & SYN ? 8 : 0, segment_bytes = TCP + options + length;
  memcpy(frame, heard + 6, 6);
  memcpy(frame + 6, own_hardware, 6);
  put16(frame + 12, ETH_P_IP);
  put32(ip, 0x45000000 | (IP + segment_bytes));
  put16(ip + 4, identifier++);
  put16(ip + 6, 0x4000);
  put32(ip + 8, 64 << 24 | IPPROTO_TCP << 16);
  memcpy(ip + 12, heard + ETHERNET + 16, 4);
  memcpy(ip + 16, heard + ETHERNET + 12, 4);
  uint32_t sum = 0;
  for (int i = 0; i < IP; i += 2) sum += get16(ip + i);
  put16(ip + 10, ~folded(sum));
  memcpy(tcp, heard + ETHERNET + IP + 2, 2);
  memcpy(tcp + 2, heard + ETHERNET + IP, 2);
  put32(tcp + 4, c->sent);
  put32(tcp + 8, c->received);
  put16(tcp + 12, (TCP + options) / 4 << 12 | flags);
  put16(tcp + 14, 65535);
  put32(tcp + 16, 0);
  /* MSS, a no-operation, and a window scale of 0. */
  if (options > 0) put32(tcp + 20, 0x02040000 | MSS), put32(tcp + 24, 0x01030300);
  /* The interface adds what follows to the pseudo-header's sum. */
  uint32_t pseudo = IPPROTO_TCP + segment_bytes;
  for (int i = 12; i < 20; i += 2) pseudo += get16(ip + i);
  put16(tcp + 16, folded(pseudo));
  if (slot != NULL) memcpy(tcp + TCP + options, data, length);
  memset(vnet, 0, sizeof *vnet);
  vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
  vnet->csum_start = ETHERNET + IP;
  vnet->csum_offset = 16;
  if (length > MSS) {
    vnet->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    vnet->gso_size = MSS;
    vnet->hdr_len = HEADERS;
  }
  c->sent += length + ((flags & (SYN | FIN)) != 0);
  if (slot == NULL) send_bulk(apart, data, length);
  else queue(slot, ETHERNET + IP + segment_bytes);
}

/* Sends what the client's window has room for. */
static void respond(const uint8_t *heard, struct connection *c) {
  uint32_t most = c->window < FLIGHT ? c->window : FLIGHT;
  while (c->left > 0) {
    uint32_t flying = c->sent - c->acknowledged;
    size_t room = flying < most ? most - flying : 0, length = c->left < PIECE ? c->left : PIECE;
    if (length > room) {
      if (flying > 0 && room < PIECE / 2) return;
      length = room;
    }
    if (length == 0) return;
    int is_last = length == c->left, is_end = is_last && c->is_closing;
    segment(heard, c, ACK | (is_last ? PUSH : 0) | (is_end ? FIN : 0), c->at, length);
    c->is_finished |= is_end;
    c->at += length;
    c->left -= length;
  }
}

static const struct document *named(const uint8_t *name, size_t length) {
  for (int i = 0; i < document_count; i++)
    if (documents[i].name_length == length && memcmp(documents[i].name, name, length) == 0) return documents + i;
  return NULL;
}

/* A request in one segment; false for what is none. */
static int request(struct connection *c, const uint8_t *data, size_t length) {
  static const uint8_t missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  if (length < 9 || memcmp(data, "GET /", 5) != 0) return 0;
  const uint8_t *end = memchr(data + 5, ' ', length - 5);
  if (end == NULL) return 0;
  const struct document *found = named(data + 5, end - data - 5);
  c->is_closing = memmem(data, length, "Connection: close", 17) != NULL;
  c->at = found ? found->whole[c->is_closing] : missing;
  c->left = found ? found->length[c->is_closing] : sizeof missing - 1;
  return 1;
}

static void open_connection(const uint8_t *frame, struct connection *c, const uint8_t *tcp, size_t header) {
  *c = (struct connection){.is_open = 1, .received = get32(tcp + 4) + 1, .window = get16(tcp + 14)};
  c->sent = c->acknowledged = (uint32_t)random();
  for (size_t i = TCP; i + 2 < header && tcp[i] != 0; i += tcp[i] == 1 ? 1 : tcp[i + 1] > 1 ? tcp[i + 1] : header)
    if (tcp[i] == 3) c->shift = tcp[i + 2] > 14 ? 14 : tcp[i + 2];
  segment(frame, c, SYN | ACK, NULL, 0);
}

/* FIN of the client, or one of ours that it has acknowledged. */
static void close_connection(const uint8_t *frame, struct connection *c) {
  if (!c->is_finished) segment(frame, c, FIN | ACK, NULL, 0);
  else segment(frame, c, ACK, NULL, 0);
  c->is_finished = 1;
}

static void arrive(const uint8_t *frame, size_t length) {
  const uint8_t *ip = frame + ETHERNET;
  if (length < HEADERS || ip[0] != 0x45 || ip[9] != IPPROTO_TCP || get32(ip + 16) != own_address) return;
  const uint8_t *tcp = ip + IP;
  size_t header = tcp[12] >> 4 << 2, total = get16(ip + 2);
  if (get16(tcp + 2) != 80 || header < TCP || total < IP + header || ETHERNET + total > length) return;
  struct connection *c = connections + get16(tcp);
  int flags = tcp[13];
  if (flags & RST) {
    c->is_open = 0;
    return;
  }
  if (flags & SYN) return open_connection(frame, c, tcp, header);
  if (!c->is_open) return;
  size_t data = total - IP - header;
  c->acknowledged = get32(tcp + 8);
  c->window = (uint32_t)get16(tcp + 14) << c->shift;
  if (get32(tcp + 4) == c->received && data > 0 && c->left == 0 && request(c, tcp + header, data))
    c->received += data;
  if (c->left > 0) respond(frame, c);
  else if (flags & FIN && get32(tcp + 4) + data == c->received) {
    c->received += 1;
    close_connection(frame, c);
    c->is_open = 0;
  }
}

static void answer_arp(const uint8_t *heard, size_t length) {
  const uint8_t *arp = heard + ETHERNET;
  if (length < ETHERNET + 28 || get16(arp + 6) != 1 || get32(arp + 24) != own_address) return;
  struct tpacket2_hdr *slot = tx_slot();
  struct virtio_net_hdr *vnet = (void *)((uint8_t *)slot + TX_DATA);
  uint8_t *frame = (uint8_t *)(vnet + 1), *answer = frame + ETHERNET;
  memset(vnet, 0, sizeof *vnet);
  memcpy(frame, heard + 6, 6);
  memcpy(frame + 6, own_hardware, 6);
  put16(frame + 12, ETH_P_ARP);
  memcpy(answer, arp, 8);
  put16(answer + 6, 2);
  memcpy(answer + 8, own_hardware, 6);
  put32(answer + 14, own_address);
  memcpy(answer + 18, arp + 8, 10);
  queue(slot, ETHERNET + 28);
}

static void load(const char *directory, const char *name) {
  char path[4096];
  struct stat status;
  struct document *d = documents + document_count;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL || fstat(fileno(file), &status) < 0) die(path);
  if (S_ISREG(status.st_mode) && document_count < DOCUMENTS && strlen(name) < sizeof d->name) {
    d->name_length = strlen(strcpy(d->name, name));
    for (int closing = 0; closing < 2; closing++) {
      d->whole[closing] = malloc(256 + status.st_size);
      int head = snprintf((char *)d->whole[closing], 256,
                          "HTTP/1.1 200 OK\r\nServer: ring-responder\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Length: %zu\r\nConnection: %s\r\n\r\n",
                          (size_t)status.st_size, closing ? "close" : "keep-alive");
      rewind(file);
      if (fread(d->whole[closing] + head, 1, status.st_size, file) != (size_t)status.st_size) die(path);
      d->length[closing] = head + status.st_size;
    }
    document_count++;
  }
  fclose(file);
}

static void load_all(const char *directory) {
  DIR *found = opendir(directory);
  if (found == NULL) die(directory);
  for (struct dirent *entry; (entry = readdir(found)) != NULL;)
    if (entry->d_name[0] != '.') load(directory, entry->d_name);
  closedir(found);
}

static void open_rings(const char *interface) {
  int version = TPACKET_V2, on = 1;
  struct ifreq of = {0};
  struct tpacket_req receive = {BLOCK, RX_FRAMES * RX_FRAME / BLOCK, RX_FRAME, RX_FRAMES};
  struct tpacket_req send = {BLOCK, TX_FRAMES * TX_FRAME / BLOCK, TX_FRAME, TX_FRAMES};
  fd = socket(AF_PACKET, SOCK_RAW, 0);
  bulk = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0 || bulk < 0) die("packet socket");
  strncpy(of.ifr_name, interface, IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &of) < 0) die(interface);
  memcpy(own_hardware, of.ifr_hwaddr.sa_data, 6);
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) < 0) die("TPACKET_V2");
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) die("PACKET_VNET_HDR");
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) die("PACKET_IGNORE_OUTGOING");
  if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &receive, sizeof receive) < 0) die("PACKET_RX_RING");
  if (setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &send, sizeof send) < 0) die("PACKET_TX_RING");
  size_t received = (size_t)RX_FRAMES * RX_FRAME, sent = (size_t)TX_FRAMES * TX_FRAME;
  rx = mmap(NULL, received + sent, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (rx == MAP_FAILED) die("mapping the rings");
  tx = rx + received;
  if (ioctl(fd, SIOCGIFINDEX, &of) < 0) die(interface);
  struct sockaddr_ll where = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = of.ifr_ifindex};
  if (bind(fd, (void *)&where, sizeof where) < 0) die("bind");
  if (setsockopt(bulk, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) die("PACKET_VNET_HDR");
  /* Of no protocol: it receives nothing. */
  where.sll_protocol = 0;
  if (bind(bulk, (void *)&where, sizeof where) < 0) die("bind");
}

int main(int count, char **given) {
  if (count != 4 || inet_pton(AF_INET, given[2], &own_address) != 1) {
    fprintf(stderr, "usage: ring-responder INTERFACE ADDRESS DIRECTORY\n");
    return 2;
  }
  own_address = ntohl(own_address);
  load_all(given[3]);
  open_rings(given[1]);
  for (;;) {
    struct tpacket2_hdr *slot = (void *)(rx + (size_t)rx_next * RX_FRAME);
    if (!(__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) {
      struct pollfd wait = {.fd = fd, .events = POLLIN};
      flush();
      if (__atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) continue;
      if (poll(&wait, 1, -1) < 0 && errno != EINTR) die("poll");
      continue;
    }
    const uint8_t *frame = (uint8_t *)slot + slot->tp_mac;
    if (slot->tp_snaplen >= ETHERNET) {
      if (get16(frame + 12) == ETH_P_IP) arrive(frame, slot->tp_snaplen);
      else if (get16(frame + 12) == ETH_P_ARP) answer_arp(frame, slot->tp_snaplen);
    }
    __atomic_store_n(&slot->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    rx_next = (rx_next + 1) % RX_FRAMES;
  }
}
