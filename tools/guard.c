/*
 * The handler may interrupt anything, so it allocates nothing, takes no lock and calls only what POSIX lists
 * as safe there. The kernel tells no more than an address: /proc/self/maps says which file lies there.
 */
#include "guard.h"

#include "command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STACK_BYTES = 64 * 1024, /* AVX-512 state alone takes 3 KiB of a signal frame */
    LINE_BYTES = 4096 + 128, /* a path, and the numbers before it */
    TEXT_BYTES = LINE_BYTES + 512,
};

struct place {
    uint64_t byte; /* of the file */
    uint64_t inode;
    char path[LINE_BYTES];
};

struct text {
    char bytes[TEXT_BYTES];
    size_t used;
};

static void add(struct text *text, const char *words)
{
    for (; *words && text->used < sizeof text->bytes; words++)
        text->bytes[text->used++] = (unsigned char)*words < 0x20 || *words == 0x7F ? '?' : *words;
}

static void add_number(struct text *text, uint64_t value)
{
    char digits[24];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    add(text, at);
}

static uint64_t read_number(const char **at, unsigned base)
{
    uint64_t value = 0;
    for (;; ++*at) {
        const unsigned letter = (unsigned char)**at;
        const unsigned digit = letter >= 'a' ? letter - 'a' + 10 : letter - '0';
        if (letter < '0' || digit >= base)
            return value;
        value = value * base + digit;
    }
}

static const char *next_word(const char *at)
{
    while (*at && *at != ' ')
        at++;
    while (*at == ' ')
        at++;
    return at;
}

/* "7f00-7f10 r--p 00002000 08:01 1234    /path": is the address within, and is it a file's? */
static bool line_matches(const char *line, uint64_t address, struct place *place)
{
    const char *at = line;
    const uint64_t first = read_number(&at, 16);
    if (*at++ != '-')
        return false;
    const uint64_t end = read_number(&at, 16);
    if (address < first || address >= end)
        return false;
    at = next_word(next_word(at));
    place->byte = read_number(&at, 16) + (address - first);
    at = next_word(next_word(at));
    place->inode = read_number(&at, 10);
    at = next_word(at);
    for (size_t i = 0; (place->path[i] = at[i]) != 0;)
        i++;
    return at[0] == '/' && place->inode != 0;
}

static bool find_place(uint64_t address, struct place *place)
{
    char block[4096], line[LINE_BYTES];
    size_t used = 0;
    ssize_t got;
    bool found = false;
    const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && !found && (got = read(fd, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < got && !found; i++) {
            if (block[i] != '\n') {
                if (used < sizeof line - 1)
                    line[used++] = block[i];
                continue;
            }
            line[used] = 0;
            used = 0;
            found = line_matches(line, address, place);
        }
    }
    if (fd >= 0)
        close(fd);
    return found;
}

static void tell(const struct place *place)
{
    struct text text = {.used = 0};
    struct stat status;
    const bool cut = stat(place->path, &status) == 0 && status.st_ino == place->inode &&
                     (uint64_t)status.st_size <= place->byte;
    if (tcgetpgrp(STDERR_FILENO) >= 0) /* a terminal: a progress line may stand there */
        memcpy(text.bytes, "\r\033[K", text.used = 4);
    add(&text, "tollmill: error: ");
    add(&text, place->path);
    if (cut) {
        add(&text, ": was cut short while in use: it ends at byte ");
        add_number(&text, (uint64_t)status.st_size);
        add(&text, " and byte ");
        add_number(&text, place->byte);
        add(&text, " was needed; nothing was published. Restore the file, then run again");
    } else {
        add(&text, ": could not be read at byte ");
        add_number(&text, place->byte);
        add(&text, " while in use; nothing was published. Check its disk, then run again");
    }
    if (text.used == sizeof text.bytes)
        text.used--;
    text.bytes[text.used++] = '\n';
    const ssize_t ignored = write(STDERR_FILENO, text.bytes, text.used);
    (void)ignored;
}

static void on_bus_error(int number, siginfo_t *info, void *machine)
{
    static atomic_flag told = ATOMIC_FLAG_INIT; /* workers often fall into the same hole together */
    struct place place;
    (void)machine;
    if (info->si_code > 0 && find_place((uintptr_t)info->si_addr, &place)) {
        while (atomic_flag_test_and_set(&told))
            pause(); /* whoever tells ends us all */
        tell(&place);
        _exit(CMD_IO);
    }
    signal(number, SIG_DFL);
    raise(number);
}

void cmd_guard_install(void)
{
    /* For the main thread, should its own stack be the trouble; other threads handle it on theirs. */
    static char stack[STACK_BYTES] __attribute__((aligned(64)));
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaltstack(&alternate, NULL);
    sigaction(SIGBUS, &action, NULL);
}
