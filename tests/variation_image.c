/* variation_image BOOK CHANGE IMAGE: the image of a book with a change, compiled whole, so that the command
 * can rate with it and a test compare the lines with those of edited files. */
#include "book/variation.h"

#include <stdio.h>

static int fail(const struct toll_error *error)
{
    fprintf(stderr, "%s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct toll_variation variation;
    struct toll_error error = {0};
    struct toll_book *book;
    FILE *file;
    int bad;

    if (argc != 4)
        return 2;
    if (toll_book_open(toll_io_system(), argv[1], NULL, &book, &error) != 0)
        return fail(&error);
    if (toll_variation_make(&variation, toll_io_system(), book, argv[1], argv[2], true, NULL, &error) != 0)
        return fail(&error);
    file = fopen(argv[3], "wb");
    if (file == NULL)
        return 1;
    bad = fwrite(variation.book->image, 1, variation.book->image_bytes, file) != variation.book->image_bytes;
    bad = fclose(file) != 0 || bad;
    toll_variation_free(&variation);
    toll_book_close(book);
    return bad;
}
