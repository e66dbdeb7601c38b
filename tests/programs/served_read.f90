! SPDX-License-Identifier: MIT
! Fortran reads a file as a stream.
program reads
  character(len=512) :: name
  integer(8) :: buffer(8192)
  integer :: i
  integer(8) :: sum
  call get_command_argument(1, name)
  open (10, file=trim(name), access='stream', form='unformatted', status='old')
  sum = 0
  do i = 1, 128
    read (10) buffer
    sum = ieor(sum, buffer(i))
  end do
  print *, sum
end program
