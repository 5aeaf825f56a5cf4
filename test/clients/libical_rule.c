/* Instances of recurrence rules by libical: each line of input is "RULE START COUNT", each line of output the local times of
 * the first COUNT instances up to the year 2100, "-" where libical refuses the rule, "?" where it looks for longer than a
 * twentieth of a second of processor time for what comes seldom or never. */

#include <libical/ical.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void answer(const char *rule, const char *start, int count)
{
    struct itimerval limit = {{0, 0}, {0, 50000}};
    struct icalrecurrencetype recur;
    struct icaltimetype at;
    icalrecur_iterator *i = NULL;

    setitimer(ITIMER_PROF, &limit, NULL);
    icalerror_set_errors_are_fatal(0);
    recur = icalrecurrencetype_from_string(rule);
    if (recur.freq != ICAL_NO_RECURRENCE && icalerrno == ICAL_NO_ERROR)
        i = icalrecur_iterator_new(recur, icaltime_from_string(start));
    if (i == NULL) {
        puts("-");
        return;
    }
    while (count-- > 0 && !icaltime_is_null_time(at = icalrecur_iterator_next(i)) && at.year < 2100)
        printf("%04d%02d%02dT%02d%02d%02d ", at.year, at.month, at.day, at.hour, at.minute, at.second);
    putchar('\n');
}

int main(void)
{
    char rule[4096], start[32];
    int count, status;

    while (scanf("%4095s %31s %d", rule, start, &count) == 3) {
        pid_t child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            answer(rule, start, count);
            fflush(stdout);
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child)
            return 1;
        if (!WIFEXITED(status)) {
            puts("?");
            fflush(stdout);
        }
    }
    return 0;
}
